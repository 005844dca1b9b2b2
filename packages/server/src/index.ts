export {
  createKrownServer,
  type KrownPluginOptions,
  type KrownServerOptions,
  krownPlugin,
} from './create-server.js'
export type { Problem } from './errors/problem.js'
export type { HttpLimits } from './transport/http.js'
export type { SocketSettings } from './transport/ws/socket-settings.js'
export { type AppRouter, appRouter, type RouterInputs, type RouterOutputs } from './trpc/app-router.js'
export type { CommandOutputMessage } from './trpc/command-output.js'
export { CallContext, type CallOptions } from './trpc/context.js'
export { createContext, type KrownErrorData, type KrownErrorShape, type RootContext } from './trpc/init.js'
export type { RestMeta, RouteMeta } from './trpc/route-meta.js'
