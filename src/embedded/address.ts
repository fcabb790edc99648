/** The address of a server on a unix socket, as URL. */

const SCHEME = 'redis-socket://';

/** `redis-socket:///abs/path.sock`; every part of the path is percent-encoded. */
export function socketUrl(socketPath: string): string {
  return SCHEME + socketPath.split('/').map(encodeURIComponent).join('/');
}

/** The path in such a URL; undefined when it is something else. */
export function socketPathOf(url: string): string | undefined {
  return url.startsWith(`${SCHEME}/`) ? decodeURIComponent(url.slice(SCHEME.length)) : undefined;
}
