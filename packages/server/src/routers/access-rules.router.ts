import {
  accessDecisionSchema,
  accessRuleIdSchema,
  accessRulePageSchema,
  accessRuleQuerySchema,
  accessRuleSchema,
  createAccessRuleInputSchema,
  explainAccessInputSchema,
  revokedAccessRuleSchema,
  updateAccessRuleInputShape,
} from '@krown/core'
import type { TRPCRouterRecord } from '@trpc/server'
import { z } from 'zod'
import { authedProcedure } from '../trpc/init.js'

const tags = ['access rules']
const oneRule = z.strictObject({ ruleId: accessRuleIdSchema })

export const accessRulesRouter = {
  list: authedProcedure
    .meta({
      openapi: {
        method: 'GET',
        path: '/api/access-rules',
        tags,
        summary: 'List access rules',
        description: 'Expired ones too.',
      },
      rest: { errors: ['FORBIDDEN'] },
    })
    .input(accessRuleQuerySchema)
    .output(accessRulePageSchema)
    .query(({ ctx, input }) => ctx.client.accessRules.list(input)),

  create: authedProcedure
    .meta({
      openapi: {
        method: 'POST',
        path: '/api/access-rules',
        tags,
        summary: 'Let a user, a role or an API token use targets',
        description:
          '`selector` says which: `name:web* tag:prod and not tag:db`; `*` is every target. Admins need no rule. Rules for an API token limit it: it reaches what one of them and the rights of its owner both allow.',
      },
      rest: {
        status: 201,
        location: '/api/access-rules/{id}',
        errors: ['FORBIDDEN', 'NOT_FOUND', 'QUOTA_EXCEEDED'],
      },
    })
    .input(createAccessRuleInputSchema)
    .output(accessRuleSchema)
    .mutation(({ ctx, input }) => ctx.client.accessRules.create(input)),

  get: authedProcedure
    .meta({
      openapi: { method: 'GET', path: '/api/access-rules/{ruleId}', tags, summary: 'Read an access rule' },
      rest: { errors: ['FORBIDDEN', 'NOT_FOUND'] },
    })
    .input(oneRule)
    .output(accessRuleSchema)
    .query(({ ctx, input }) => ctx.client.accessRules.get(input.ruleId)),

  update: authedProcedure
    .meta({
      openapi: {
        method: 'PATCH',
        path: '/api/access-rules/{ruleId}',
        tags,
        summary: 'Change an access rule',
        description:
          'What is left out stays; the subject does not change. Takes effect within 5 seconds: sessions that nothing allows any more end.',
      },
      rest: { errors: ['FORBIDDEN', 'NOT_FOUND'] },
    })
    .input(z.strictObject({ ruleId: accessRuleIdSchema, ...updateAccessRuleInputShape }))
    .output(accessRuleSchema)
    .mutation(({ ctx, input: { ruleId, ...change } }) => ctx.client.accessRules.update(ruleId, change)),

  delete: authedProcedure
    .meta({
      openapi: {
        method: 'DELETE',
        path: '/api/access-rules/{ruleId}',
        tags,
        summary: 'Delete an access rule',
        description:
          'Answers with what it was. Takes effect within 5 seconds: sessions that nothing allows any more end. Without its last rule an API token is limited by none any more: `tokenUnlimited` says so.',
      },
      rest: { errors: ['FORBIDDEN', 'NOT_FOUND'] },
    })
    .input(oneRule)
    .output(revokedAccessRuleSchema)
    .mutation(({ ctx, input }) => ctx.client.accessRules.delete(input.ruleId)),

  explain: authedProcedure
    .meta({
      openapi: {
        method: 'POST',
        path: '/api/access-rules/explain',
        tags,
        summary: 'Say whether a user may use a target, and why',
        description:
          'As things are now, for the user, or with `tokenId` for one of its API tokens. `rule` is the one by which the user may; `token` is what the rules of the token say, and null when none names it. Scopes of the token do not count here.',
      },
      rest: { errors: ['FORBIDDEN', 'NOT_FOUND'] },
    })
    .input(explainAccessInputSchema)
    .output(accessDecisionSchema)
    .mutation(({ ctx, input }) => ctx.client.accessRules.explain(input)),
} satisfies TRPCRouterRecord
