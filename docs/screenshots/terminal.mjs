// A capture of a terminal as a picture: xterm.js shows it in a browser.
//
//     tmux capture-pane -e -p >terminal.ansi
//     node terminal.mjs terminal.ansi [terminal.png]

import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { launch } from "../../tests/foreign/browser/support.mjs";

const xterm = createRequire(import.meta.resolve("../../tests/foreign/package.json"));
const FRAME = `
  body { margin: 0; display: inline-block; padding: 24px; background: #e9e7e1; }
  .window { border-radius: 12px; overflow: hidden; background: #16191c; box-shadow: 0 10px 34px rgb(20 25 30 / 32%); }
  .bar { display: flex; gap: 8px; padding: 12px 14px 6px; }
  .bar i { width: 12px; height: 12px; border-radius: 50%; background: #3d444a; }
  .terminal { padding: 6px 16px 16px; }
  .xterm .xterm-viewport, .xterm .xterm-scrollable-element { background: none !important; }
`;
const LOOK = {
  fontFamily: '"JetBrains Mono", "DejaVu Sans Mono", monospace',
  fontSize: 15,
  lineHeight: 1.25,
  cursorStyle: "bar",
  theme: {
    background: "#16191c",
    foreground: "#dfe3e4",
    black: "#2a3136",
    red: "#f0917c",
    green: "#7fcf9f",
    yellow: "#e3c069",
    blue: "#8fbdf2",
    magenta: "#d9a5e6",
    cyan: "#6cc3c3",
    white: "#dfe3e4",
    brightBlack: "#8b959b",
    brightRed: "#f7ab9a",
    brightGreen: "#9adfb6",
    brightYellow: "#efd489",
    brightBlue: "#abcff7",
    brightMagenta: "#e6bff0",
    brightCyan: "#8fd9d9",
    brightWhite: "#ffffff",
  },
};

/** Shows `ansi`, lines with their colours, and writes a picture to `path`. */
export async function drawTerminal(browser, ansi, path) {
  const lines = ansi.replace(/\n+$/, "").split("\n");
  const context = await browser.newContext({ viewport: { width: 1600, height: 1200 } });
  const page = await context.newPage();
  await page.setContent('<div class="window"><div class="bar"><i></i><i></i><i></i></div><div id="screen"></div></div>');
  await page.addStyleTag({ path: xterm.resolve("@xterm/xterm/css/xterm.css") });
  await page.addStyleTag({ content: FRAME });
  await page.addScriptTag({ path: xterm.resolve("@xterm/xterm/lib/xterm.js") });
  await page.evaluate(show, { lines, look: LOOK });
  await page.locator("body").screenshot({ path });
  await context.close();
}

/** Runs in the page. */
async function show({ lines, look }) {
  await document.fonts.ready;
  const visible = (line) => [...line.replace(/\x1b\[[0-9;:]*m/g, "")].length;
  const cols = Math.max(80, ...lines.map(visible));
  const terminal = new window.Terminal({ ...look, cols, rows: lines.length, allowProposedApi: true });
  terminal.open(document.querySelector("#screen"));
  // The cursor of a picture would blink at nobody.
  await new Promise((done) => terminal.write(`\x1b[?25l${lines.join("\r\n")}`, done));
  await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [, , capture, path = fileURLToPath(import.meta.resolve("./terminal.png"))] = process.argv;
  const browser = await launch();
  await drawTerminal(browser, await readFile(capture, "utf8"), path);
  await browser.close();
}
