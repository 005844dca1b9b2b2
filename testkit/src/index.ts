export type { AuthAttempt, AuthPolicy, KeyboardRound } from './auth-policy.js'
export { FakeClock } from './fake-clock.js'
export { type FaultProxy, startFaultProxy } from './fault-proxy.js'
export type { Direction, FaultCounters } from './fault-state.js'
export {
  findPostgres,
  findPostgresInstallation,
  type PostgresBinaries,
  type PostgresInstallation,
} from './find-postgres.js'
export { findSshd } from './find-sshd.js'
export { floodPastWindow, type WindowFlood } from './flooding-channel.js'
export { findFreePort, PortTakenError, withFreePort } from './free-port.js'
export type { HostileConnection } from './hostile-connection.js'
export type { ExecContext, ExecHandler, ShellHandler } from './hostile-context.js'
export type { ForwardHandler, ForwardRequest } from './hostile-forward.js'
export { type HostileSshServerOptions, WEAK_ALGORITHMS } from './hostile-options.js'
export { type HostileSshServer, startHostileSshServer } from './hostile-ssh-server.js'
export {
  fingerprintOf,
  generateKey,
  type KeyFormat,
  type KeyOptions,
  type KeyPair,
  type KeyType,
} from './keys.js'
export { queryPostgres } from './postgres-query.js'
export { type RawTcpMode, type RawTcpServer, startRawTcpServer } from './raw-tcp-server.js'
export { type FoundSecret, SecretScan } from './secret-scan.js'
export { type BenchSshServer, startBenchSshServer } from './start-bench-ssh-server.js'
export {
  type LocalSshServer,
  type LocalSshServerOptions,
  startLocalSshServer,
} from './start-local-ssh-server.js'
export { type PostgresOptions, type PostgresServer, startPostgres } from './start-postgres.js'
export { type Sshd, type SshdOptions, startSshd } from './start-sshd.js'
export { createTempDir, type TempDir } from './temp-dir.js'
export { createTestDatabase, type TestDatabase } from './test-database.js'
export { type WaitOptions, waitFor } from './wait-for.js'
