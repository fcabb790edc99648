/** What a key does: another model, and perhaps an action. Pure. */
import {
  type Action,
  chosenFailure,
  chosenQueue,
  chosenWorker,
  moved,
  type Notice,
  switched,
  type WatchModel,
} from './model.ts';

/** What follows from a key. */
export interface Pressed {
  readonly model: WatchModel;
  readonly action?: Action;
  readonly isOver?: true;
}

const PAGE = 10;

/** `key`: as Node's `readline` names it (`up`, `tab`, `q`), with `shift+` and `ctrl+` before it. */
export function press(before: WatchModel, key: string): Pressed {
  if (key === 'ctrl+c' || key === 'ctrl+d') return { model: before, isOver: true };
  if (before.question !== undefined) return answer(before, before.question, key);
  const { notice: _read, ...model } = before;
  if (model.isHelpShown) return { model: { ...model, isHelpShown: false } };
  switch (key) {
    case 'q':
      return { model, isOver: true };
    case '?':
    case 'h':
      return { model: { ...model, isHelpShown: true } };
    case 'tab':
    case 'right':
      return { model: switched(model, 1) };
    case 'shift+tab':
    case 'left':
      return { model: switched(model, -1) };
    case 'p':
      return pauseOrResume(model);
    case 'c':
      return askToCancel(model);
    case 'r':
      return runAgain(model);
    default:
      return { model: moved(model, STEPS[key] ?? 0) };
  }
}

const STEPS: Readonly<Record<string, number>> = {
  up: -1,
  k: -1,
  down: 1,
  j: 1,
  pageup: -PAGE,
  pagedown: PAGE,
  home: Number.NEGATIVE_INFINITY,
  end: Number.POSITIVE_INFINITY,
};

function answer({ question: _asked, ...model }: WatchModel, asked: Action, key: string): Pressed {
  if (key === 'y') return { model, action: asked };
  return { model: { ...model, notice: { text: 'not canceled', isError: false } } };
}

function pauseOrResume(model: WatchModel): Pressed {
  const queue = chosenQueue(model);
  if (queue === undefined) return told(model, 'choose a queue first');
  return { model, action: { kind: queue.isPaused ? 'resume' : 'pause', queue: queue.queue } };
}

function askToCancel(model: WatchModel): Pressed {
  const worker = chosenWorker(model);
  if (worker === undefined) return told(model, 'choose a running task first: tab, then the arrows');
  const { taskId, type, queue } = worker;
  return { model: { ...model, question: { kind: 'cancel', queue, taskId, type } } };
}

function runAgain(model: WatchModel): Pressed {
  const failure = chosenFailure(model);
  if (failure === undefined) return told(model, 'choose a failed task first: tab, then the arrows');
  const { taskId, type, queue } = failure;
  return { model, action: { kind: 'run', queue, taskId, type } };
}

function told(model: WatchModel, text: string): Pressed {
  const notice: Notice = { text, isError: false };
  return { model: { ...model, notice } };
}
