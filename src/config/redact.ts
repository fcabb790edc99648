/** A Redis URL fit for logs and messages: user name and password are replaced, also when it is not a valid URL. */
export function redactRedisUrl(url: string): string {
  // Greedy up to the last @, since a password with unescaped characters is a common reason for a URL being invalid.
  return url
    .replace(/^([a-z][a-z0-9+.-]*:\/\/)?[\s\S]*@/i, '$1***@')
    .replaceAll(/([?&][^=&]*(?:user|pass|secret|token)[^=&]*=)[^&#]*/gi, '$1***');
}

/** A secret value for an error message: a URL without its password; for anything else only what kind it is. */
export function redactSecret(value: unknown): unknown {
  if (typeof value === 'string') return redactRedisUrl(value);
  return typeof value === 'object' && value !== null ? '[object]' : value;
}
