const { scenario } = await import(`/tmp/kb/repo/bench/${process.argv[2]}.ts`)
const figs = await scenario.run()
for (const f of figs) console.log(f.what, f.value.toFixed(3), JSON.stringify(f.target), JSON.stringify(f.peers))
