/**
 * `npm run audit`: asks the registry for known holes in what is installed at run time, and fails on those that are high or
 * critical. A registry that answers no such question, as a mirror may, is said loudly and fails nothing: what cannot be
 * asked here is asked where the packages are published from.
 */
import { spawnSync } from 'node:child_process'

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
