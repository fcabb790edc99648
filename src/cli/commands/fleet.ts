/** What is read of the whole fleet: `threadmill stats`, `server`, `group` and `cron`. */
import type { Command } from 'commander';
import type { CronFlags } from '../actions/cron.ts';
import type { GroupFlags } from '../actions/group.ts';
import type { ProgramOptions } from '../program-options.ts';
import { addRedisCommand } from '../redis-command.ts';
import { pageOptions, queueOption } from './options.ts';
import { DEFAULT_QUEUE } from '../../task.ts';

/** Adds the commands. */
export function addFleetCommands(program: Command, shell: ProgramOptions): void {
  addStats(program, shell);
  addServer(program, shell);
  addGroup(program, shell);
  addCron(program, shell);
}

function addStats(program: Command, shell: ProgramOptions): void {
  const spec = {
    usage: 'stats',
    description: 'Show all queues and their Redis on one screen.',
    json: 'print one line of JSON, with the keys of asynq',
    examples: ['threadmill stats', "threadmill stats --json | jq '.aggregate.pending'"],
  };
  addRedisCommand(program, shell, spec, async (call) =>
    (await import('../actions/stats.ts')).stats(call),
  );
}

function addServer(program: Command, shell: ProgramOptions): void {
  const server = program.command('server').description('Look at the servers of the fleet.');
  const spec = {
    usage: 'list',
    aliases: ['ls'],
    description: 'List the servers that run, those written in Go too, and how busy they are.',
    json: 'print one line of JSON, with the tasks that each is running',
    examples: ['threadmill server list', "threadmill server ls --json | jq '.[].workers'"],
  };
  addRedisCommand(server, shell, spec, async (call) =>
    (await import('../actions/server.ts')).list(call),
  );
}

function addGroup(program: Command, shell: ProgramOptions): void {
  const group = program.command('group').description('Look at groups of tasks.');
  const spec = {
    usage: 'list',
    aliases: ['ls'],
    description: 'List the groups of a queue in which tasks wait.',
    options: [queueOption(DEFAULT_QUEUE)],
    examples: ['threadmill group list', 'threadmill group ls -q mail'],
  };
  addRedisCommand<GroupFlags>(group, shell, spec, async (call) =>
    (await import('../actions/group.ts')).list(call),
  );
}

function addCron(program: Command, shell: ProgramOptions): void {
  const cron = program.command('cron').description('Look at periodic tasks.');
  const list = {
    usage: 'list',
    aliases: ['ls'],
    description: 'List the periodic tasks of all schedulers that run.',
    examples: ['threadmill cron list', 'threadmill cron ls --json'],
  };
  addRedisCommand<CronFlags>(cron, shell, list, async (call) =>
    (await import('../actions/cron.ts')).list(call),
  );
  const history = {
    usage: 'history <entry...>',
    description: 'Show when periodic tasks were enqueued, newest first.',
    options: pageOptions(),
    examples: ['threadmill cron history 0f3c2b1a-7d1f-4f0e-9a34-5f1f0d6a2b11 --size 5'],
    notes: 'The exit code is 1 when nothing is known of an entry.',
  };
  addRedisCommand<CronFlags>(cron, shell, history, async (call) =>
    (await import('../actions/cron.ts')).history(call),
  );
}
