/** One line of JSON as a task to be enqueued. */
import type { EnqueueRequest } from '../../handler.ts';
import type { EnqueueOptions } from '../../task.ts';
import { oneLine } from '../output/text.ts';
import { readOption } from './enqueue-options.ts';

/** What the command line gives every task whose line does not say otherwise. */
export interface LineDefaults {
  readonly type?: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly options: EnqueueOptions;
}

/** Options of which one displaces the other. */
const RIVALS: Readonly<Record<string, string>> = { processAt: 'processIn', processIn: 'processAt' };

/**
 * Reads `{ type, payload, headers, …options }`; `payloadBase64` is a payload of bytes. Throws an error that says what is
 * wrong with the line. What the fields hold is for the client to check.
 */
export function readTaskLine(text: string, defaults: LineDefaults): EnqueueRequest {
  const { type = defaults.type, payload, payloadBase64, headers, ...rest } = parseObject(text);
  if (payload !== undefined && payloadBase64 !== undefined) {
    throw new Error('payload and payloadBase64 cannot stand together');
  }
  const given = Object.entries(rest).map(
    ([name, value]) => [name, readOption(name, value)] as const,
  );
  const displaced = given.map(([name]) => RIVALS[name]);
  const kept = Object.entries(defaults.options).filter(([name]) => !displaced.includes(name));
  return {
    task: {
      type: type as string,
      payload: payloadBase64 === undefined ? payload : readBase64(payloadBase64),
      headers:
        typeof headers === 'object'
          ? { ...defaults.headers, ...headers }
          : ((headers ?? defaults.headers) as Record<string, string>),
    },
    options: Object.fromEntries([...kept, ...given]),
  };
}

function parseObject(text: string): Record<string, unknown> {
  const value = parseJson(text);
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    return value as Record<string, unknown>;
  }
  throw new Error('not a JSON object, as {"type":"mail:send","payload":{"user":5}}');
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    // The parser quotes the text, whatever it holds.
    throw new Error(`not JSON: ${oneLine((error as Error).message)}`, { cause: error });
  }
}

function readBase64(value: unknown): Uint8Array {
  if (typeof value === 'string' && /^[A-Za-z0-9+/]*={0,2}$/.test(value)) {
    return new Uint8Array(Buffer.from(value, 'base64'));
  }
  throw new Error('payloadBase64 is not base64');
}
