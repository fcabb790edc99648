/** Completion for bash, 3.2 and later, without the package bash-completion. */
import { childrenOf, type CommandNode, type FlagValue } from './command-tree.ts';

/** The script. */
export function bashScript(nodes: readonly CommandNode[]): string {
  return `# Completion of threadmill for bash: source <(threadmill completion bash)
_threadmill() {
  local IFS=$' \\t\\n' at='' i words flags
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]}
  COMPREPLY=()
  # bash takes --flag=value for three words.
  if [[ $cur == '=' ]]; then cur=''
  elif [[ $prev == '=' ]]; then prev=\${COMP_WORDS[COMP_CWORD-2]}; fi
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "$at>\${COMP_WORDS[i]}" in
${steps(nodes)}
    esac
  done
  case "$at>$prev" in
${values(nodes)}
  esac
  case "$at" in
${candidates(nodes)}
  esac
  if [[ $cur == -* || -z $words ]]; then words=$flags; fi
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
complete -F _threadmill threadmill
`;
}

/** Which word leads from which command to which. */
function steps(nodes: readonly CommandNode[]): string {
  return nodes
    .filter(({ parent }) => parent !== undefined)
    .map(({ path, parent, names }) => {
      const patterns = names.map((name) => `'${parent}>${name}'`).join('|');
      return `      ${patterns}) at='${path}' ;;`;
    })
    .join('\n');
}

/** What may follow which flag. */
function values(nodes: readonly CommandNode[]): string {
  return nodes
    .flatMap(({ path, flags }) =>
      flags
        .filter(({ value }) => value !== 'none')
        .map(({ long, short, value }) => {
          const names = short === undefined ? [long] : [long, short];
          const patterns = names.map((name) => `'${path}>${name}'`).join('|');
          return `    ${patterns}) ${valueAction(value)}return ;;`;
        }),
    )
    .join('\n');
}

function valueAction(value: FlagValue): string {
  if (value === 'file') {
    return `IFS=$'\\n'; compopt -o filenames 2>/dev/null; COMPREPLY=($(compgen -f -- "$cur")); `;
  }
  if (typeof value === 'string') return '';
  return `COMPREPLY=($(compgen -W '${value.join(' ')}' -- "$cur")); `;
}

/** The commands and flags below each command. */
function candidates(nodes: readonly CommandNode[]): string {
  return nodes
    .map(({ path, flags, words: own }) => {
      const words = [...childrenOf(nodes, path).map(({ names: [name] }) => name), ...own];
      const longs = flags.map(({ long }) => long);
      return `    '${path}') words='${words.join(' ')}'; flags='${longs.join(' ')}' ;;`;
    })
    .join('\n');
}
