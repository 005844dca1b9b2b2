/**
 * Prints what failed and, as the last line, `N passed, N failed`; exits with 1 unless nothing failed.
 *
 * Arguments: vitest's JSON report (absent when vitest never started), then the names of the gates that failed.
 */
import { existsSync, readFileSync } from 'node:fs'

const [reportFile, ...failedGates] = process.argv.slice(2)
const { passed, problems } = existsSync(reportFile)
  ? testResults(JSON.parse(readFileSync(reportFile, 'utf8')))
  : { passed: 0, problems: ['no test ran'] }

for (const gate of failedGates) {
  // Its failures are listed one by one, unless vitest failed for another reason, such as an unhandled error.
  if (gate !== 'tests' || problems.length === 0) problems.push(`gate: ${gate}`)
}
for (const problem of problems) console.log(`failed: ${problem}`)
if (problems.length > 0) process.exitCode = 1
console.log(`${passed} passed, ${problems.length} failed`)

function testResults({ testResults: files }) {
  const tests = files.flatMap((file) => file.assertionResults.map((test) => ({ ...test, file: file.name })))
  const withoutTests = files.filter(
    (file) => file.status === 'failed' && !file.assertionResults.some(isFailed),
  )
  return {
    passed: tests.filter(({ status }) => status === 'passed').length,
    problems: [
      ...withoutTests.map(({ name, message }) => `${name}: ${message}`),
      ...tests
        .filter(({ status }) => status !== 'passed')
        .map(
          ({ file, fullName, status }) =>
            `${file}: ${fullName}${status === 'failed' ? '' : ` (${status}: CI skips nothing)`}`,
        ),
    ],
  }
}

function isFailed({ status }) {
  return status === 'failed'
}
