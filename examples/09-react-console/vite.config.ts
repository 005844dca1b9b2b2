import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'

/** Where the Krown server is. */
const target = process.env.KROWN_URL ?? 'http://127.0.0.1:8080'

// The page and Krown share one origin, so that the refresh cookie is a cookie of the page's own site and the server
// needs no `cors_origins`. In production the web server before Krown does the same.
const ws = { target, ws: true }
const proxy = { '/api': { target }, '/trpc': ws, '/ws': ws }

// For `vite preview` only: the development server writes scripts into the page.
const headers = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
}

export default defineConfig({
  plugins: [react()],
  server: { proxy },
  preview: { proxy, headers },
})
