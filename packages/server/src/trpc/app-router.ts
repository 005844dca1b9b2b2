import type { inferRouterInputs, inferRouterOutputs } from '@trpc/server'
import { accessRulesRouter } from '../routers/access-rules.router.js'
import { authRouter } from '../routers/auth.router.js'
import { channelsRouter } from '../routers/channels.router.js'
import { commandsRouter } from '../routers/commands.router.js'
import { credentialsRouter } from '../routers/credentials.router.js'
import { hostKeysRouter } from '../routers/host-keys.router.js'
import { invitesRouter } from '../routers/invites.router.js'
import { journalRouter } from '../routers/journal.router.js'
import { loginsRouter } from '../routers/logins.router.js'
import { recordingsRouter } from '../routers/recordings.router.js'
import { sessionsRouter } from '../routers/sessions.router.js'
import { systemRouter } from '../routers/system.router.js'
import { targetsRouter } from '../routers/targets.router.js'
import { tokensRouter } from '../routers/tokens.router.js'
import { usersRouter } from '../routers/users.router.js'
import { router } from './init.js'

/** Every procedure of Krown; REST and the OpenAPI document are made from it. */
export const appRouter = router({
  auth: authRouter,
  tokens: tokensRouter,
  logins: loginsRouter,
  invites: invitesRouter,
  users: usersRouter,
  sessions: sessionsRouter,
  commands: commandsRouter,
  channels: channelsRouter,
  recordings: recordingsRouter,
  targets: targetsRouter,
  credentials: credentialsRouter,
  hostKeys: hostKeysRouter,
  accessRules: accessRulesRouter,
  journal: journalRouter,
  system: systemRouter,
})

export type AppRouter = typeof appRouter
export type RouterInputs = inferRouterInputs<AppRouter>
export type RouterOutputs = inferRouterOutputs<AppRouter>
