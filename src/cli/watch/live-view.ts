/** `threadmill watch` on a terminal: looks, draws, and does what the keys ask for, until it is quit. */
import type { ReadStream, WriteStream } from 'node:tty';
import { toError } from '../../errors.ts';
import type { InspectorMethods } from '../../inspector/types.ts';
import {
  type Action,
  chosenQueue,
  newModel,
  type Notice,
  type WatchModel,
  withAction,
  withSnapshot,
  withTrouble,
} from './model.ts';
import { type Inspected, Poller } from './poller.ts';
import { press } from './press.ts';
import { render } from './render.ts';
import { Screen } from './screen.ts';
import { type SignalWatch, watchSignals } from './signals.ts';

/** What the view asks of the inspector. */
export type Steered = Inspected & Pick<InspectorMethods, 'pause' | 'resume' | 'cancel' | 'run'>;

/** What the view works with. */
export interface LiveViewOptions {
  readonly inspector: Steered;
  /** Which Redis, without secrets. */
  readonly title: string;
  /** Milliseconds between two looks. */
  readonly intervalMs: number;
  readonly input: ReadStream;
  readonly output: WriteStream;
  readonly isColourful: boolean;
}

/** Ages run on between two looks. */
const TICK_MS = 1000;
/** When a look takes so long, it is said. */
const SLOW_MS = 2500;

/** How long it is said what a key has done. */
const NOTICE_MS = 8000;

/** One view. */
export class LiveView {
  readonly #options: LiveViewOptions;
  readonly #poller: Poller;
  /** Carried out so far. */
  #actions = 0;
  readonly #screen: Screen;
  #model: WatchModel;
  #signals: SignalWatch | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isAsleep = false;
  #isLooking = false;
  #end: ((signal: NodeJS.Signals | undefined) => void) | undefined;

  constructor(options: LiveViewOptions) {
    const { inspector, title, input, output, isColourful } = options;
    this.#options = options;
    this.#poller = new Poller(inspector);
    this.#model = newModel(title);
    this.#screen = new Screen({
      input,
      output,
      isColourful,
      onKey: (key) => this.#onKey(key),
      onResize: () => {
        this.#screen.forget();
        this.#draw();
      },
    });
  }

  /** Shows the view until it is quit; answers the signal that ended it, if one did. Always gives the terminal back. */
  async run(): Promise<NodeJS.Signals | undefined> {
    const ended = new Promise<NodeJS.Signals | undefined>((resolve) => {
      this.#end = resolve;
    });
    const leave = (): void => this.#screen.leave();
    process.once('exit', leave); // an error that nobody catches ends the process without coming by here
    this.#signals = watchSignals({
      onEnd: (signal) => this.#end?.(signal),
      onSleep: () => this.#sleep(),
      onWake: () => this.#wake(),
    });
    const tick = setInterval(() => this.#draw(), TICK_MS);
    try {
      this.#screen.enter();
      this.#draw();
      this.#lookAgain(0);
      return await ended;
    } finally {
      clearInterval(tick);
      clearTimeout(this.#timer);
      this.#end = undefined;
      this.#signals.close();
      process.off('exit', leave);
      leave();
    }
  }

  #draw(): void {
    if (!this.#isAsleep) this.#screen.draw(render(this.#model, this.#screen.size));
  }

  #change(model: WatchModel): void {
    this.#model = model;
    this.#draw();
  }

  #lookAgain(inMs: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#look(), inMs);
  }

  async #look(): Promise<void> {
    if (this.#isLooking) return;
    this.#isLooking = true;
    const actions = this.#actions;
    const since = new Date();
    const slow = setTimeout(() => {
      this.#change(withTrouble(this.#model, 'waiting for it', since));
    }, SLOW_MS);
    try {
      const snapshot = await this.#poller.look(chosenQueue(this.#model)?.queue);
      // What was read before an action may show the state of before: the look that the action asked for is next.
      if (actions === this.#actions) this.#change(withSnapshot(this.#model, snapshot));
    } catch (error) {
      const [reason = ''] = toError(error).message.split('\n');
      this.#change(withTrouble(this.#model, reason, since));
    } finally {
      clearTimeout(slow);
      this.#isLooking = false;
      const isDue = actions !== this.#actions;
      if (this.#end !== undefined && !this.#isAsleep) {
        this.#lookAgain(isDue ? 0 : this.#options.intervalMs);
      }
    }
  }

  #onKey(key: string): void {
    if (key === 'ctrl+z') {
      this.#signals?.sleep();
      return;
    }
    const { model, action, isOver } = press(this.#model, key);
    this.#change(model);
    if (isOver === true) this.#end?.(undefined);
    if (action !== undefined) void this.#act(action);
  }

  async #act(action: Action): Promise<void> {
    let notice: Notice;
    try {
      notice = { text: await carryOut(this.#options.inspector, action), isError: false };
      this.#actions += 1;
      this.#model = withAction(this.#model, action);
    } catch (error) {
      notice = { text: toError(error).message, isError: true };
    }
    this.#change({ ...this.#model, notice });
    this.#lookAgain(0);
    setTimeout(() => {
      const { notice: shown, ...model } = this.#model;
      if (shown === notice) this.#change(model);
    }, NOTICE_MS).unref();
  }

  #sleep(): void {
    this.#isAsleep = true;
    clearTimeout(this.#timer);
    this.#screen.leave();
  }

  #wake(): void {
    this.#isAsleep = false;
    this.#screen.enter();
    this.#draw();
    this.#lookAgain(0);
  }
}

/** Does it; answers what was done. */
async function carryOut(inspector: Steered, action: Action): Promise<string> {
  const { queue } = action;
  switch (action.kind) {
    case 'pause':
      await inspector.pause(queue);
      return `paused ${queue}: running tasks go on, waiting ones wait`;
    case 'resume':
      await inspector.resume(queue);
      return `resumed ${queue}`;
    case 'cancel': {
      const { changed } = await inspector.cancel({ queue, id: action.taskId });
      if (changed === 0) return `${action.taskId} is not running any more`;
      return `asked ${action.taskId} to stop: it fails, and is retried if it has retries left`;
    }
    case 'run':
      await inspector.run({ queue, id: action.taskId });
      return `${action.taskId} is pending now`;
  }
}
