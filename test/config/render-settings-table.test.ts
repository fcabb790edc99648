import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { renderSettingsTable } from '../../src/config/render-settings-table.ts';
import { shortDuration } from '../../src/config/setting-row.ts';
import { SETTINGS } from '../../src/config/settings-table.ts';
import { packageRoot } from '../helpers/paths.ts';

const readme = join(packageRoot, 'README.md');

test('the table has a line for every setting, with the same number of cells', () => {
  const lines = renderSettingsTable().split('\n');
  assert.equal(lines.length, SETTINGS.length + 2);
  for (const line of lines) assert.equal(line.split(/(?<!\\)\|/).length, 8, line);
  const line = lines.find((text) => text.includes('`LEASE_DURATION`'));
  assert.match(
    line ?? '',
    /^\| `LEASE_DURATION` \| `--lease-duration` \| `leaseDuration` \| 15s \| a duration from 10s to 1h: /,
  );
});

test('the README holds this very table', {
  skip: !existsSync(readme) && 'no README.md yet',
}, () => {
  const text = readFileSync(readme, 'utf8');
  const between = /<!-- settings -->\n([\s\S]*?)\n<!-- \/settings -->/.exec(text)?.[1];
  assert.ok(between !== undefined, 'README.md has no <!-- settings --> … <!-- /settings -->');
  assert.equal(between.trim(), renderSettingsTable());
});

test('durations are shown in the largest unit that leaves a whole number', () => {
  const shown = [0, 200, 1000, 1500, 90_000, 3_600_000, 86_400_000].map(shortDuration);
  assert.deepEqual(shown, ['0', '200ms', '1s', '1500ms', '90s', '1h', '1d']);
});
