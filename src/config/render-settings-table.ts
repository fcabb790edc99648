/** The README's table of settings, made from the settings themselves; a test compares the two. */
import type { AnySetting } from './setting.ts';
import { SETTINGS } from './settings-table.ts';

const HEADINGS = ['Variable', 'Flag', 'Option', 'Default', 'Accepts', 'What it does'];

/** A Markdown table, one line per setting, without a line break at its end. */
export function renderSettingsTable(): string {
  const rule = HEADINGS.map(() => '---');
  return [HEADINGS, rule, ...SETTINGS.map(cells)].map((row) => `| ${row.join(' | ')} |`).join('\n');
}

function cells(row: AnySetting): string[] {
  const option = row.scope === 'server' ? `\`${row.option}\`` : `\`${row.option}\` (config file)`;
  return [
    `\`${row.env}\``,
    `\`${row.flag}\``,
    option,
    row.defaultText,
    row.accepts,
    row.description,
  ].map((text) => text.replaceAll('|', '\\|'));
}
