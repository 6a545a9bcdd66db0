// A browser of another make, over loopback: prints the first service of each type that is named.
const { Bonjour } = require("bonjour-service");

const types = process.argv.slice(2);
const bonjour = new Bonjour({ interface: "127.0.0.1" });
const found = {};
for (const [type, protocol] of types.map((text) => text.split("/"))) {
    bonjour.find({ type, protocol }, (service) => {
        const { name, port, host, addresses, txt } = service;
        found[type] = { name, port, host, addresses, txt };
        if (Object.keys(found).length === types.length) {
            process.stdout.write(JSON.stringify(found));
            bonjour.destroy(() => process.exit(0));
        }
    });
}
