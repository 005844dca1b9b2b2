import { realpathSync } from 'node:fs'
import { userInfo } from 'node:os'

export interface UnitPaths {
  readonly config: string
  readonly dataDir: string
}

/** A unit that may write its data directory and do little else. */
export function renderSystemdUnit({ config, dataDir }: UnitPaths): string {
  const command = [process.execPath, realpathSync(process.argv[1] ?? '.'), 'start', '--config', config]
  return `# Copy to /etc/systemd/system/krown.service, then: systemctl enable --now krown
[Unit]
Description=Krown SSH session gateway
Wants=network-online.target
After=network-online.target

[Service]
# It needs no right of root: with a user of its own, that user must own ${comment(dataDir)}.
User=${userInfo().username}
ExecStart=${command.map(quoteArgument).join(' ')}
Environment=NODE_ENV=production UV_THREADPOOL_SIZE=16
Restart=on-failure
RestartSec=2
# Longer than server.drain_timeout.
TimeoutStopSec=45
LimitNOFILE=65536
UMask=0077

NoNewPrivileges=yes
CapabilityBoundingSet=
AmbientCapabilities=
ProtectSystem=strict
ReadWritePaths=${quote(dataDir)}
ProtectHome=read-only
PrivateTmp=yes
PrivateDevices=yes
ProtectClock=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectControlGroups=yes
ProtectProc=invisible
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
RemoveIPC=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallErrorNumber=EPERM

[Install]
WantedBy=multi-user.target
`
}

/** systemd's own quoting: `%` means something to it even inside quotation marks. */
function quote(path: string): string {
  return `"${path.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('%', '%%')}"`
}

/** In a command line `$` does too. */
function quoteArgument(argument: string): string {
  return quote(argument).replaceAll('$', '$$$$')
}

function comment(path: string): string {
  return path.replaceAll(/\p{C}/gu, '?')
}
