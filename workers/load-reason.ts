/** Why a module could not be loaded, in plain words. */
import { fileURLToPath } from 'node:url';

/** The reason to show beside the file's name. `url` is the module that was asked for. */
export function loadReason(url: string, error: unknown): string {
  const code = codeOf(error);
  const text = messageOf(error);
  if (isTypeScript(url)) {
    const reason = typeScriptReason(code, text, error);
    if (reason !== undefined) return reason;
  }
  if (code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND') {
    return isFileItself(url, text)
      ? 'there is no such file'
      : `it imports what is not there: ${text}`;
  }
  if (error instanceof SyntaxError) return `it has a syntax error${placeOf(error)}: ${text}`;
  return `it failed while loading: ${text}`;
}

function typeScriptReason(code: unknown, text: string, error: unknown): string | undefined {
  switch (code) {
    case 'ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX':
      return `it uses TypeScript syntax that Node cannot strip (enum, namespace, parameter property …): ${text}; write it without, or compile the file to .js`;
    case 'ERR_INVALID_TYPESCRIPT_SYNTAX':
      return `it has a syntax error: ${text}`;
    case 'ERR_UNSUPPORTED_NODE_MODULES_TYPE_STRIPPING':
      return 'Node does not strip types inside node_modules: compile the file to .js';
  }
  const isUnstripped = code === 'ERR_UNKNOWN_FILE_EXTENSION' || error instanceof SyntaxError;
  return isUnstripped && !stripsTypes()
    ? `this Node (${process.version}) does not strip types: use Node 22.18 or later, or compile the file to .js`
    : undefined;
}

function stripsTypes(): boolean {
  const { typescript } = process.features as { typescript?: string | false };
  return typescript !== undefined && typescript !== false;
}

function isTypeScript(url: string): boolean {
  return url.endsWith('.ts') || url.endsWith('.mts');
}

/** Node names the missing module first, then who imports it. */
function isFileItself(url: string, text: string): boolean {
  return text.startsWith(`Cannot find module '${fileURLToPath(url)}'`);
}

/** The first line of a syntax error's stack is the place, where Node knows it. */
function placeOf(error: Error): string {
  const first = error.stack?.split('\n', 1)[0] ?? '';
  return /^(file:|\/|[A-Za-z]:\\).*:\d+$/.test(first) ? ` (${first})` : '';
}

function codeOf(error: unknown): unknown {
  return error instanceof Error ? (error as { code?: unknown }).code : undefined;
}

function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return `it threw ${String(error)}`;
  const text = error.message.trim();
  return error.name === 'Error' || error instanceof SyntaxError ? text : `${error.name}: ${text}`;
}
