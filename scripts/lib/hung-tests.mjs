// A reporter beside the usual one: where a whole file fails, since it hangs or its process died, it names the tests of
// it that had begun and not ended. Node's runner (20 and 22) names the file alone.

export default async function* hungTests(source) {
  const begun = new Map();
  for await (const { type, data } of source) {
    const file = fileOf(data);
    if (type === 'test:dequeue') begun.set(file, [...(begun.get(file) ?? []), data.name]);
    if (type === 'test:complete') remove(begun.get(file), data.name);
    if (type === 'test:fail' && data.name.endsWith('.test.js')) {
      for (const name of begun.get(file) ?? []) yield `✖ ${file} failed in: ${name}\n`;
    }
  }
}

/** The same for the compiled file, which the runner names, and for its source, which the tests in it name. */
function fileOf(data) {
  return (data?.file ?? '').replace(/^.*\/test\//, 'test/').replace(/\.[jt]s$/, '');
}

function remove(names = [], name) {
  if (names.includes(name)) names.splice(names.indexOf(name), 1);
}
