#!/usr/bin/env node
// It stands outside dist/, so that an install which comes before the first build can link the command.
const [major, minor] = process.versions.node.split('.').map(Number)
if (major > 22 || (major === 22 && minor >= 22)) await import('../dist/main.js')
else {
  console.error(`tradpal-events needs Node 22.22 or later; this is ${process.version}.`)
  process.exitCode = 2
}
