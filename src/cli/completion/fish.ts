/** Completion for fish. */
import { childrenOf, type CommandNode, type FlagNode } from './command-tree.ts';

/** The script. */
export function fishScript(nodes: readonly CommandNode[]): string {
  const lines = nodes.flatMap((node) => [
    ...childrenOf(nodes, node.path).map((child) => commandLine(node.path, child)),
    ...node.words.map((word) => `complete ${start(node.path)} -a ${quoted(word)}`),
    ...node.flags.map((flag) => flagLine(node.path, flag)),
  ]);
  return `# Completion of threadmill for fish: threadmill completion fish | source
function __threadmill_at
    set -l at ''
    for word in (commandline -opc)[2..-1]
        switch "$at>$word"
${steps(nodes)}
        end
    end
    test "$at" = "$argv[1]"
end
complete -c threadmill -e
complete -c threadmill -f
${lines.join('\n')}
`;
}

function steps(nodes: readonly CommandNode[]): string {
  return nodes
    .filter(({ parent }) => parent !== undefined)
    .map(({ path, parent, names }) => {
      const patterns = names.map((name) => quoted(`${parent}>${name}`)).join(' ');
      return `            case ${patterns}\n                set at ${quoted(path)}`;
    })
    .join('\n');
}

function commandLine(path: string, { names, description }: CommandNode): string {
  return `complete ${start(path)} -a ${quoted(names[0] ?? '')} -d ${quoted(description)}`;
}

function flagLine(path: string, { long, short, description, value }: FlagNode): string {
  const letter = short === undefined ? '' : ` -s ${short.slice(1)}`;
  const name = `${start(path)}${letter} -l ${long.slice(2)}`;
  return `complete ${name}${valueOptions(value)} -d ${quoted(description)}`;
}

function valueOptions(value: FlagNode['value']): string {
  if (value === 'none') return '';
  if (value === 'file') return ' -r -F';
  return value === 'any' ? ' -x' : ` -x -a ${quoted(value.join(' '))}`;
}

function start(path: string): string {
  return `-c threadmill -n ${quoted(`__threadmill_at ${quoted(path)}`)}`;
}

function quoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}
