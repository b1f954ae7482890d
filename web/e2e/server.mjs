import { execFile, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import WebSocket from 'ws';

const run = promisify(execFile);

/** A real node on a folder and a port of its own: started, stopped, and started again on the same port. */
export class Server {
  constructor(binary) {
    this.binary = binary;
    this.folder = mkdtempSync(join(tmpdir(), 'letshang-web-'));
    this.config = join(this.folder, 'node.toml');
    this.log = '';
    this.setConfig('[hours]\ntime_zone = "America/New_York"\n');
  }

  setConfig(text) {
    writeFileSync(this.config, text);
  }

  place() {
    return ['--config', this.config, '--data', join(this.folder, 'data')];
  }

  async start() {
    const listen = `127.0.0.1:${this.port ?? 0}`;
    this.child = spawn(this.binary, ['serve', ...this.place(), '--listen', listen], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const gone = new Promise((resolve) => this.child.once('exit', resolve));
    this.gone = gone;
    this.child.stderr.on('data', (d) => {
      this.log += d;
    });
    this.port = await new Promise((resolve, reject) => {
      let said = '';
      this.child.stdout.on('data', (d) => {
        said += d;
        this.log += d;
        const found = /127\.0\.0\.1:(\d+)/.exec(said);
        if (found) resolve(Number(found[1]));
      });
      gone.then((code) => reject(new Error(`the server ended with ${code}:\n${this.log.slice(-2000)}`)));
    });
    this.url = `http://127.0.0.1:${this.port}`;
    await until('the server to be ready', async () => (await fetch(`${this.url}/ready`)).ok);
  }

  async stop(signal = 'SIGTERM') {
    this.child.kill(signal);
    const hard = setTimeout(() => this.child.kill('SIGKILL'), 15_000);
    await this.gone;
    clearTimeout(hard);
  }

  async cli(...words) {
    const { stdout } = await run(this.binary, [...words, ...this.place()]);
    return stdout.trim();
  }

  async person(name, admin = false) {
    await this.cli('user', 'add', name, ...(admin ? ['--admin'] : []));
    const said = await this.cli('token', name);
    return said.split(/\s+/).reduce((longest, word) => (word.length > longest.length ? word : longest), '');
  }

  remove() {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** A phone: connects, walks, keeps what it is told. */
export class Phone {
  constructor(url, token) {
    this.heard = [];
    this.socket = new WebSocket(`${url.replace('http', 'ws')}/v1/ws`, {
      headers: { authorization: `Bearer ${token}` },
    });
    this.socket.on('error', () => {});
    this.socket.on('message', (data) => this.heard.push(JSON.parse(String(data))));
  }

  async ready() {
    await until('a welcome', () => this.heard.some((f) => f.type === 'welcome'));
    return this;
  }

  say(frame) {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(frame));
  }

  at(lat, lon, extra = {}) {
    this.say({ type: 'fix', lat, lon, t: Date.now(), acc: 8, ...extra });
  }

  close() {
    this.socket.terminate();
  }
}

/** Waits until something holds; says what when it does not. */
export async function until(what, holds, ms = 20_000) {
  const end = Date.now() + ms;
  for (;;) {
    try {
      const value = await holds();
      if (value) return value;
    } catch (error) {
      if (Date.now() > end) throw error;
    }
    if (Date.now() > end) throw new Error(`waited ${ms / 1000} s for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
