// Every package for another platform must be in the lock file, or `npm ci` fails there. npm leaves out those that the registry
// does not have, or that an install on this platform did not need, without a word.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const { packages } = JSON.parse(readFileSync(join(import.meta.dirname, '../package-lock.json'), 'utf8'));

/** Whether a package is found from the folder of another, as Node looks for it. */
function isLocked(from, name) {
  for (let folder = from; ; folder = folder.slice(0, Math.max(folder.lastIndexOf('/node_modules/'), 0))) {
    if (`${folder === '' ? '' : `${folder}/`}node_modules/${name}` in packages) return true;
    if (folder === '') return false;
  }
}

const missing = Object.entries(packages).flatMap(([folder, { optionalDependencies = {} }]) =>
  Object.keys(optionalDependencies)
    .filter(name => !isLocked(folder, name))
    .map(name => `${name} (of ${folder})`),
);
if (missing.length > 0) {
  process.stderr.write(`package-lock.json lacks packages for other platforms:\n${missing.join('\n')}\n`);
  process.exit(1);
}
