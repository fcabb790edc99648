/** `threadmill completion`: prints a script that completes commands and flags. */
import { Argument, type Command } from 'commander';
import type { ProgramOptions } from '../program-options.ts';

const EXAMPLES = `
Examples:
  source <(threadmill completion bash)       # in ~/.bashrc
  source <(threadmill completion zsh)        # in ~/.zshrc, after compinit
  threadmill completion fish > ~/.config/fish/completions/threadmill.fish

The script starts no program while you type. Make it anew after an update.`;

/** Adds the command. It reads the whole program when it is called, so that it may be added at any place. */
export function addCompletionCommand(program: Command, { print }: ProgramOptions): void {
  program
    .command('completion')
    .description('Print a script that completes commands and flags in a shell.')
    .addArgument(new Argument('<shell>', 'whose script').choices(['bash', 'zsh', 'fish']))
    .addHelpText('after', EXAMPLES)
    .action(async (shell: 'bash' | 'zsh' | 'fish') => {
      const { completionScript } = await import('../completion/script.ts');
      print(completionScript(shell, program).trimEnd());
    });
}
