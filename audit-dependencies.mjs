/**
 * `npm run audit`: fails when the lock file pins a package without its hash, and when what is installed at run time has a
 * known hole that is high or critical. A registry that answers no audit, as a mirror may, causes a warning and no failure:
 * the machine that publishes the packages asks another registry.
 */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

const { packages } = JSON.parse(readFileSync('package-lock.json', 'utf8'))
const unpinned = Object.entries(packages)
  // A link is a workspace of this repository. A bundled package is a part of another one, under its hash.
  .filter(([path, { link, inBundle }]) => path.includes('node_modules/') && link !== true && inBundle !== true)
  .filter(([, { integrity }]) => integrity === undefined)
  .map(([path]) => path)
if (unpinned.length > 0) {
  console.error(`package-lock.json has no "integrity" for ${unpinned.length} packages: ${unpinned.join(', ')}.`)
  console.error(
    'npm leaves it out for packages of other platforms. Remove these entries, and run `npm install --package-lock-only` in a folder without node_modules.'
  )
  process.exit(1)
}

const { stdout } = spawnSync('npm', ['audit', '--omit=dev', '--json'], {
  encoding: 'utf8',
  shell: process.platform === 'win32'
})
const report = JSON.parse(stdout === '' ? '{}' : stdout)

if (report.vulnerabilities === undefined) {
  console.warn('The registry answers no audit: dependencies were NOT checked for known holes.')
} else {
  const holes = Object.values(report.vulnerabilities).filter(({ severity }) => ['high', 'critical'].includes(severity))
  for (const { name, severity, range } of holes) console.error(`${severity}: ${name} ${range}`)
  console.log(`${holes.length} high or critical known holes in what is installed at run time.`)
  process.exitCode = holes.length === 0 ? 0 : 1
}
