/**
 * The shell script that stands between Threadmill and its private server. It holds the read end of a named pipe whose
 * write end every sharing process keeps open. The kernel closes those ends however a process ends, `kill -9`
 * included; after the last one the pipe reads as ended, and the script ends the server and removes what was made.
 *
 * It is POSIX sh, it starts in about a millisecond, and it runs in the folder of its run:
 *
 *     started -> says "ready" -> hears "go" -> server runs -> pipe ends, or the server does -> removes files, exits
 *                             -> hears nothing (its starter died, or lost the race) -> removes its folder, exits
 *
 * The pipe is removed last: while it can be opened for writing, this run is not over and no other may begin.
 * A line `join-…` in the pipe is answered with a file of that name, so that a process that joins knows it came in
 * time: once the pipe has ended, nobody reads its lines any more.
 */

/** Arguments: `$1` the server, `$2` the folder the script began in, `$3` a folder to remove at the end, or empty. */
export const WATCH_SCRIPT: string = `
server=$1 first_folder=$2 scratch=$3
# A service manager may signal every process of the service at once: only the end of the pipe counts here, so that
# the files are removed in any case. The server gets the usual signals back.
trap '' HUP INT TERM
umask 077
mkfifo watch || exit 70
exec 3<>watch 4<watch
echo ready
read -r word || word=
if [ "$word" != go ]; then
  cd / && rm -rf "$first_folder" \${scratch:+"$scratch"}
  exit 0
fi
exec 3>&- >&2 </dev/null

(trap - HUP INT TERM && exec "$server" redis.conf) 4<&- &
server_pid=$!
echo "$server_pid" >redis.pid

(
  while read -r line; do
    case $line in join-*[!0-9a-z-]*) ;; join-*) : >"$line" ;; esac
  done <&4
  rm -f ../url
  : >ending
  kill -TERM "$server_pid"
  tries=0
  while [ "$tries" -lt 80 ] && kill -0 "$server_pid"; do
    sleep 0.1
    tries=$((tries + 1))
  done
  kill -KILL "$server_pid"
) 2>/dev/null &
watcher_pid=$!

wait "$server_pid"
status=$?
{ kill -KILL "$watcher_pid" && wait "$watcher_pid"; } 2>/dev/null
rm -f ../url join-* redis.pid redis.sock
if [ -n "$scratch" ]; then (cd / && rm -rf "$scratch"); fi
rm -f watch
exit "$status"
`;
