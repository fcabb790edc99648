/** Completion for zsh. */
import { childrenOf, type CommandNode, type FlagValue } from './command-tree.ts';

/** The script: to be sourced, or put as `_threadmill` into a folder of `fpath`. */
export function zshScript(nodes: readonly CommandNode[]): string {
  return `#compdef threadmill
# Completion of threadmill for zsh: source <(threadmill completion zsh)
_threadmill() {
  local at='' i
  local -a commands flags
  for ((i = 2; i < CURRENT; i++)); do
    case "$at>\${words[i]}" in
${steps(nodes)}
    esac
  done
  case "$at>\${words[CURRENT-1]}" in
${values(nodes)}
  esac
  case "$at" in
${candidates(nodes)}
  esac
  (( $#commands )) && [[ $PREFIX != -* ]] && _describe command commands
  [[ $PREFIX == -* ]] || (( ! $#commands )) && _describe -o flag flags
}
if [[ $funcstack[1] == _threadmill ]]; then _threadmill "$@"; else compdef _threadmill threadmill; fi
`;
}

function steps(nodes: readonly CommandNode[]): string {
  return nodes
    .filter(({ parent }) => parent !== undefined)
    .map(({ path, parent, names }) => {
      const patterns = names.map((name) => quoted(`${parent}>${name}`)).join('|');
      return `      ${patterns}) at=${quoted(path)} ;;`;
    })
    .join('\n');
}

function values(nodes: readonly CommandNode[]): string {
  return nodes
    .flatMap(({ path, flags }) =>
      flags
        .filter(({ value }) => value !== 'none')
        .map(({ long, short, value }) => {
          const names = short === undefined ? [long] : [long, short];
          const patterns = names.map((name) => quoted(`${path}>${name}`)).join('|');
          return `    ${patterns}) ${valueAction(value)}; return ;;`;
        }),
    )
    .join('\n');
}

function valueAction(value: FlagValue): string {
  if (value === 'file') return '_files';
  return typeof value === 'string' ? '_message value' : `compadd -- ${value.join(' ')}`;
}

function candidates(nodes: readonly CommandNode[]): string {
  return nodes
    .map(({ path, flags, words }) => {
      const commands = childrenOf(nodes, path).map(({ names, description }) =>
        described(names[0] ?? '', description),
      );
      commands.push(...words.map(quoted));
      const longs = flags.map(({ long, description }) => described(long, description));
      return `    ${quoted(path)}) commands=(${commands.join(' ')}); flags=(${longs.join(' ')}) ;;`;
    })
    .join('\n');
}

/** What `_describe` splits at the first colon. */
function described(name: string, description: string): string {
  return quoted(`${name.replaceAll(':', '\\:')}:${description}`);
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
