// What the compiler leaves undone in the dist folders: the Lua scripts, and the `.ts` of imports in declarations.
import { cpSync, globSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs'

for (const script of globSync('packages/*/src/**/*.lua')) cpSync(script, script.replace('src', 'dist'))

for (const declaration of globSync('packages/*/dist/**/*.d.ts')) {
  const text = readFileSync(declaration, 'utf8')
  const rewritten = text.replaceAll(/((?:from|import|import\() ?['"]\.{1,2}\/[^'"]+)\.ts(?=['"])/g, '$1.js')
  if (rewritten === text) continue
  const { atime, mtime } = statSync(declaration)
  writeFileSync(declaration, rewritten)
  // A declaration that is newer than the build of the packages on it would make the next build compile them again.
  utimesSync(declaration, atime, mtime)
}
