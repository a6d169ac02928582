// Removes what a build makes, so that a production build holds nothing of an earlier one.
import { rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
for (const made of [
  'lib',
  'tsconfig.tsbuildinfo',
  '../server_extension/jupyterlab_hops/labextension'
]) {
  rmSync(join(root, made), { recursive: true, force: true });
}
