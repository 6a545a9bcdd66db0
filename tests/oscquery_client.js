// An OSCQuery client as others have it: prints what the npm package `oscquery` makes of a server.
const { DiscoveredService } = require("oscquery");

async function main() {
    const service = new DiscoveredService(process.argv[2], Number(process.argv[3]));
    await service.update();
    process.stdout.write(JSON.stringify({ host: service.hostInfo, methods: service.flat() }));
}

main().catch((error) => {
    process.stderr.write(String(error));
    process.exit(1);
});
