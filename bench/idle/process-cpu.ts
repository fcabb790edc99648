/** CPU time of a process and of its children, as Linux counts it for each thread. */
import { readdirSync, readFileSync } from 'node:fs';

/** Whether this system tells. */
export function tellsCpu(): boolean {
  return processCpuMs(process.pid) !== undefined;
}

/** CPU time in milliseconds of the threads that there are now; `undefined` where the system does not tell. */
export function processCpuMs(pid: number): number | undefined {
  try {
    const folder = `/proc/${pid}/task`;
    let ms = 0;
    for (const thread of readdirSync(folder)) {
      ms += Number(readFileSync(`${folder}/${thread}/schedstat`, 'utf8').split(' ')[0]) / 1e6;
      const children = readFileSync(`${folder}/${thread}/children`, 'utf8').trim();
      for (const child of children === '' ? [] : children.split(' ')) {
        ms += processCpuMs(Number(child)) ?? 0;
      }
    }
    return ms;
  } catch {
    return undefined;
  }
}
