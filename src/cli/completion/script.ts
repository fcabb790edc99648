/** The completion script of a shell, from the commands of the program. */
import type { Command } from 'commander';
import { bashScript } from './bash.ts';
import { type CommandNode, commandTree } from './command-tree.ts';
import { fishScript } from './fish.ts';
import { zshScript } from './zsh.ts';

/** Shells that there is a script for. */
export type Shell = 'bash' | 'zsh' | 'fish';

const SCRIPTS: Readonly<Record<Shell, (nodes: readonly CommandNode[]) => string>> = {
  bash: bashScript,
  zsh: zshScript,
  fish: fishScript,
};

/** Nothing but the program goes into it: no script starts `threadmill` while someone types. */
export function completionScript(shell: Shell, program: Command): string {
  return SCRIPTS[shell](commandTree(program));
}
