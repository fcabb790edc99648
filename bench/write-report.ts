/** Writes the report into a folder: Markdown, a picture per group, and all figures for programs. */
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Measure } from './measures/measure.ts';
import { type Group, renderMarkdown } from './rendering/markdown.ts';
import { plot } from './rendering/plot.ts';
import type { Report } from './report.ts';

/** Writes all of it; pictures of an earlier report go. Answers the path of the Markdown file. */
export function writeReport(
  folder: string,
  report: Report,
  measures: readonly Pick<Measure, 'name' | 'title' | 'about'>[],
): string {
  mkdirSync(folder, { recursive: true });
  for (const name of readdirSync(folder)) {
    if (name.endsWith('.svg')) rmSync(join(folder, name));
  }
  const groups = measures.map((measure): Group => {
    const { name, title, about } = measure;
    const rows = report.rows.filter((row) => row.measure === name);
    const svg = plot(title, rows);
    const picture = `${name}.svg`;
    if (svg !== undefined) writeFileSync(join(folder, picture), svg);
    return {
      name,
      title,
      picture: svg === undefined ? undefined : picture,
      ...(about === undefined ? {} : { about }),
    };
  });
  const path = join(folder, 'README.md');
  writeFileSync(path, renderMarkdown(report, groups));
  writeFileSync(join(folder, 'report.json'), `${JSON.stringify(report, undefined, 2)}\n`);
  return path;
}
