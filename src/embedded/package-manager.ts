/** Knows how each system's package manager installs a Redis server, and when it needs no question. */

/** What has to be known of a system to choose. */
export interface SystemFacts {
  readonly platform: NodeJS.Platform;
  readonly isRoot: boolean;
  /** True when a program of this name can be run. */
  readonly hasProgram: (name: string) => boolean;
}

/** One way to install a server. */
export interface InstallPlan {
  /** The program, e.g. `apt-get`. */
  readonly manager: string;
  /** Command lines to try in this order, until a server is there. */
  readonly commands: readonly (readonly string[])[];
  readonly environment: Readonly<Record<string, string>>;
  /** The service that the package would start by itself, where it does. */
  readonly service?: string;
}

interface Manager {
  readonly name: string;
  readonly commands: readonly (readonly string[])[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly service?: string;
  /** Whether it wants to be root, or (brew) must not be. */
  readonly wants: 'root' | 'user';
  /** False where it cannot be run without a question. */
  readonly runs: boolean;
  /** What a user types. */
  readonly typed: string;
}

const APT_INSTALL = ['-o', 'DPkg::Lock::Timeout=120', 'install', '-y', '--no-install-recommends'];

const MANAGERS: readonly Manager[] = [
  {
    name: 'apt-get',
    wants: 'root',
    runs: true,
    commands: [
      [...APT_INSTALL, 'redis-server'],
      ['update', '-q'], // a fresh image has no package lists
      [...APT_INSTALL, 'redis-server'],
      [...APT_INSTALL, 'valkey-server'],
    ],
    // At run level 1 the package's own script starts no service on systems without systemd.
    environment: { DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' },
    service: 'redis-server.service',
    typed: 'apt-get update && apt-get install -y redis-server',
  },
  {
    name: 'apk',
    wants: 'root',
    runs: true,
    commands: [
      ['add', '--no-cache', 'redis'],
      ['add', '--no-cache', 'valkey'],
    ],
    typed: 'apk add redis',
  },
  {
    name: 'dnf',
    wants: 'root',
    runs: true,
    commands: [
      ['install', '-y', 'redis'],
      ['install', '-y', 'valkey'],
    ],
    typed: 'dnf install -y redis || dnf install -y valkey',
  },
  {
    name: 'brew',
    wants: 'user',
    runs: true,
    commands: [['install', 'redis']],
    environment: { HOMEBREW_NO_AUTO_UPDATE: '1', NONINTERACTIVE: '1' },
    typed: 'brew install redis',
  },
  { name: 'pacman', wants: 'root', runs: false, commands: [], typed: 'pacman -S valkey' },
  { name: 'zypper', wants: 'root', runs: false, commands: [], typed: 'zypper install redis' },
];

/** How to install a server here without a question, or undefined where that is not possible. */
export function planInstall(system: SystemFacts): InstallPlan | undefined {
  const usable = managersOf(system).find(
    (manager) => manager.runs && (manager.wants === 'root') === system.isRoot,
  );
  if (usable === undefined) return undefined;
  const { name, commands, environment = {}, service } = usable;
  return { manager: name, commands, environment, ...(service && { service }) };
}

/** What a user has to type on this system to get a server, as text for an error message. */
export function commandToType(system: SystemFacts): string {
  if (system.platform === 'win32') return 'wsl --install'; // there is no server for Windows itself
  const manager = managersOf(system)[0];
  if (manager === undefined) {
    return system.platform === 'darwin'
      ? 'brew install redis'
      : 'docker run --rm -p 6379:6379 redis:7';
  }
  if (manager.wants === 'user' || system.isRoot) return manager.typed;
  return manager.typed.replaceAll(new RegExp(`\\b${manager.name} `, 'g'), `sudo ${manager.name} `);
}

function managersOf(system: SystemFacts): readonly Manager[] {
  return MANAGERS.filter((manager) => system.hasProgram(manager.name));
}
