/** The processes of this machine, and which of them are whose. */
import { execFileSync } from 'node:child_process';

/** One process. */
export interface ProcessRow {
  readonly pid: number;
  readonly parent: number;
  /** It has ended, and nobody has waited for it. */
  readonly isZombie: boolean;
  readonly rssMb: number;
  readonly command: string;
}

const COLUMNS = 'pid=,ppid=,stat=,rss=,args=';
const KB_PER_MB = 1_024;

/** All processes now, without the one that lists them. */
export function processTable(): ProcessRow[] {
  const text = execFileSync('ps', ['-eo', COLUMNS], { encoding: 'utf8' });
  return text.split('\n').flatMap((line) => {
    const [, pid, parent, stat, rss, command = ''] =
      /^\s*(\d+)\s+(\d+)\s+(\S+)\s+(\d+)\s+(.*)$/.exec(line) ?? [];
    if (pid === undefined || command.endsWith(COLUMNS)) return [];
    return [
      {
        pid: Number(pid),
        parent: Number(parent),
        isZombie: stat?.startsWith('Z') === true,
        rssMb: Number(rss) / KB_PER_MB,
        command,
      },
    ];
  });
}

/** Everything below a process, at any depth. */
export function descendants(of: number, table: readonly ProcessRow[]): ProcessRow[] {
  const children = table.filter(({ parent }) => parent === of);
  return children.flatMap((child) => [child, ...descendants(child.pid, table)]);
}
