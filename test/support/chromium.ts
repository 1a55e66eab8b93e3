import { type Browser, chromium } from 'playwright-core'
import { findProgram } from './find-program.ts'

/** Where the system's Chromium is. Throws with the sentence that says what to install. */
export async function findChromium(path = process.env.PATH ?? ''): Promise<string> {
  const found = await findProgram(['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'], path)
  if (found !== undefined) return found
  throw new Error('The tests need a Chromium on the PATH: apt-get install chromium.')
}

/**
 * A browser without a window. Every name that ends in `.example` leads to 127.0.0.1, and no other name leads anywhere. Its own
 * protection of this machine from pages of elsewhere is off, since other browsers have none.
 */
export async function startChromium(): Promise<Browser> {
  const executablePath = await findChromium()
  // Chromium's sandbox does not start as root.
  const asRoot = process.getuid?.() === 0 ? ['--no-sandbox'] : []
  return chromium.launch({
    executablePath,
    timeout: 90_000,
    args: [
      ...asRoot,
      '--disable-features=LocalNetworkAccessChecks',
      '--host-resolver-rules=MAP *.example 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE *.localhost, EXCLUDE 127.0.0.1'
    ]
  })
}
