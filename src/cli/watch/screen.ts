/** The terminal: taken when the view begins, given back as it was when it ends, and written to in one go per picture. */
import { emitKeypressEvents, type Key } from 'node:readline';
import type { ReadStream, WriteStream } from 'node:tty';
import { styleText } from 'node:util';
import type { Look } from './panels.ts';
import type { Line, Size } from './render.ts';

const ENTER = '\x1b[?1049h\x1b[?25l\x1b[?7l'; // second screen, no cursor, no wrapping at the right edge
const LEAVE = '\x1b[0m\x1b[?7h\x1b[?25h\x1b[?1049l';
const CLEAR = '\x1b[2J';
/** Terminals that know these show a picture at once; others ignore them. */
const BEGIN = '\x1b[?2026h';
const END = '\x1b[?2026l';

type Format = Parameters<typeof styleText>[0];

const FORMATS: Readonly<Record<Look, Format | undefined>> = {
  plain: undefined,
  bold: 'bold',
  dim: 'dim',
  good: 'green',
  warn: 'yellow',
  bad: 'red',
  chosen: 'inverse',
  alarm: ['bold', 'white', 'bgRed'],
};

/** What the screen works with. */
export interface ScreenOptions {
  /** Keys come from here; without a terminal there are none. */
  readonly input: ReadStream;
  readonly output: WriteStream;
  readonly isColourful: boolean;
  readonly onKey: (key: string) => void;
  readonly onResize: () => void;
}

/** One terminal. */
export class Screen {
  readonly #options: ScreenOptions;
  #shown: string[] = [];
  #isOn = false;

  constructor(options: ScreenOptions) {
    this.#options = options;
  }

  get size(): Size {
    const { columns, rows } = this.#options.output;
    return { columns: columns > 0 ? columns : 80, rows: rows > 0 ? rows : 24 };
  }

  /** Takes the terminal; again after a pause, whatever others have made of it meanwhile. */
  enter(): void {
    const { input, output, onResize } = this.#options;
    if (!this.#isOn) {
      output.on('resize', onResize);
      if (input.isTTY) {
        emitKeypressEvents(input);
        input.on('keypress', this.#onKeypress);
      }
    }
    this.#isOn = true;
    if (input.isTTY) {
      input.setRawMode(true);
      input.resume();
    }
    output.write(ENTER + CLEAR);
    this.#shown = [];
  }

  /** Gives the terminal back. Done twice it does nothing. */
  leave(): void {
    if (!this.#isOn) return;
    this.#isOn = false;
    const { input, output, onResize } = this.#options;
    output.off('resize', onResize);
    if (input.isTTY) {
      input.off('keypress', this.#onKeypress);
      input.setRawMode(false);
      input.pause();
    }
    output.write(LEAVE);
  }

  /** The next picture is drawn as a whole: what stands on the terminal is not known. */
  forget(): void {
    this.#shown = [];
    if (this.#isOn) this.#options.output.write(CLEAR);
  }

  /** Draws what is different from the picture before, in one write. */
  draw(lines: readonly Line[]): void {
    if (!this.#isOn) return;
    const texts = lines.map((line) => this.#styled(line));
    // Erased before it is written: behind the last column the cursor stands on that column.
    const changes = texts.flatMap((text, row) =>
      text === this.#shown[row] ? [] : [`\x1b[${row + 1};1H\x1b[K${text}`],
    );
    this.#shown = texts;
    if (changes.length > 0) this.#options.output.write(BEGIN + changes.join('') + END);
  }

  #styled({ text, look }: Line): string {
    const format = FORMATS[look];
    // The chosen row stands out without colours, too: by its mark.
    if (format === undefined || text === '' || !this.#options.isColourful) return text;
    return styleText(format, text, { validateStream: false });
  }

  readonly #onKeypress = (_text: string | undefined, key: Key): void => {
    const name = key.name ?? key.sequence ?? '';
    const prefix = `${key.ctrl === true ? 'ctrl+' : ''}${key.shift === true && name.length > 1 ? 'shift+' : ''}`;
    this.#options.onKey(prefix + name);
  };
}
