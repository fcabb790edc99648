// Compiles everything to dist/, in any case. `npm run build` and `npm pack` call it.
import { build } from './lib/build.mjs';

await build();
