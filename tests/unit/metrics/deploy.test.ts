/** The files that deploy Vigie agree with what it reads and measures. */

import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { z } from 'zod';
import { HEAP_FLAGS } from '../../../src/cli/run.ts';
import { SETTINGS } from '../../../src/config/settings.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const read = (path: string): string => readFileSync(`${root}${path}`, 'utf8');

const composeSchema = z.object({
  services: z.record(
    z.string(),
    z.object({
      image: z.string(),
      ports: z.array(z.string()).optional(),
      environment: z.record(z.string(), z.union([z.string(), z.number()])).optional(),
      healthcheck: z.object({ test: z.array(z.string()) }).optional(),
      restart: z.string().optional(),
      command: z.array(z.string()).optional(),
      read_only: z.boolean().optional(),
      tmpfs: z.array(z.string()).optional(),
      cap_drop: z.array(z.string()).optional(),
      cap_add: z.array(z.string()).optional(),
      security_opt: z.array(z.string()).optional(),
      volumes: z.array(z.string()).optional(),
      privileged: z.never().optional(),
      network_mode: z.never().optional(),
    }),
  ),
  volumes: z.record(z.string(), z.null()),
});
const { services, volumes } = composeSchema.parse(parse(read('docker-compose.yml'), { merge: true }));
/** Their start scripts write configuration into the image's own folders, as the file says. */
const WRITING = ['kafka', 'kafka-topics', 'clickhouse'];

describe('docker-compose.yml', () => {
  test('has no secret in it, and stops with the name of one that is not set', () => {
    const secrets = Object.values(services).flatMap(({ environment = {} }) =>
      Object.entries(environment).filter(([name]) => /PASSWORD|KEY$/.test(name)),
    );
    expect(secrets.length).toBeGreaterThan(3);
    for (const [name, value] of secrets) {
      expect(value, name).toMatch(/^\$\{([A-Z_]+):\?set \1 in \.env/);
      const variable = /^\$\{([A-Z_]+)/.exec(String(value))![1];
      expect(read('deploy/example.env')).toMatch(new RegExp(`^${variable}=$`, 'm'));
    }
  });

  test('heeds every variable of the example, and the example names all that it heeds', () => {
    const named = [...read('deploy/example.env').matchAll(/^(?:# )?([A-Z_]+)=/gm)].map(([, name]) => name!);
    const heeded = [...read('docker-compose.yml').matchAll(/\$\{([A-Z_]+)/g)].map(([, name]) => name!);
    expect(named.length).toBeGreaterThan(8);
    expect([...new Set(heeded)].toSorted()).toEqual(named.toSorted());
  });

  test('gives Vigie only settings that exist', () => {
    const known = new Set<string>(Object.values(SETTINGS).map((setting) => setting.env));
    expect(Object.keys(services['vigie']!.environment!).filter((name) => !known.has(name))).toEqual([]);
    const inImage = [...read('Dockerfile').matchAll(/\b(VIGIE_[A-Z_]+)=/g)].map(([, name]) => name!);
    expect(inImage.filter((name) => !known.has(name))).toEqual([]);
  });

  test.each(Object.entries(services))(
    '%s has a fixed release, a health check and no port open to others',
    (_, it) => {
      expect(it.image).toMatch(/:(?!latest$).+/);
      // What runs once and ends needs no check.
      expect(it.healthcheck !== undefined || it.restart === 'no').toBe(true);
      for (const port of it.ports ?? []) expect(port).toMatch(/^127\.0\.0\.1:/);
    },
  );

  test.each(Object.entries(services))('%s has no more rights than it needs', (name, it) => {
    expect(it.security_opt).toEqual(['no-new-privileges:true']);
    expect(it.cap_drop).toEqual(['ALL']);
    if (name !== 'clickhouse') expect(it.cap_add).toBeUndefined();
    if (WRITING.includes(name)) return;
    expect(it.read_only).toBe(true);
    expect(it.tmpfs).toEqual(['/tmp']);
  });

  test('keeps what must last in volumes, and gives nobody a folder of the machine to write to', () => {
    const mounts = Object.values(services).flatMap((service) => service.volumes ?? []);
    const named = mounts.filter((mount) => /^[a-z-]+:/.test(mount));
    expect(named.map((mount) => mount.split(':')[0])).toEqual(Object.keys(volumes));
    for (const mount of mounts) if (!named.includes(mount)) expect(mount).toMatch(/^(?:\.|\$\{).*:ro$/);
  });

  test('takes the incidents of `vigie replay`, which a topic that goes by message times would forget', () => {
    expect(services['kafka-topics']!.command).toContain('message.timestamp.type=LogAppendTime');
  });

  test('lets the archive be switched on: without it nobody can list whose data an alert showed', () => {
    const { environment } = services['vigie']!;
    expect(environment!['VIGIE_ARCHIVE']).toBe('${VIGIE_ARCHIVE:-false}');
  });

  test('shows Vigie a folder of lookup lists where its setting looks for them', () => {
    const { environment, volumes: mounts } = services['vigie']!;
    expect(mounts).toContain(`\${VIGIE_LISTS_FOLDER:-./rules/lists}:${environment!['VIGIE_LISTS']}:ro`);
    expect(existsSync(`${root}rules/lists`)).toBe(true);
  });
});

describe('the image', () => {
  test('runs without root, which Kubernetes can see, and without the embedded engine', () => {
    const dockerfile = read('Dockerfile');
    expect(dockerfile).toMatch(/^USER 1000:1000$/m);
    expect(dockerfile).toContain('--omit=optional');
    expect(services['vigie']!.read_only).toBe(true);
  });

  test('copies nothing that .dockerignore keeps out', () => {
    const allowed = read('.dockerignore')
      .split('\n')
      .filter((line) => line.startsWith('!'))
      .map((line) => line.slice(1));
    const copied = [...read('Dockerfile').matchAll(/^COPY (?!--from)(.+)$/gm)].flatMap(([, args]) =>
      args!.split(' ').slice(0, -1),
    );
    expect(copied.length).toBeGreaterThan(4);
    expect(copied.filter((path) => !allowed.includes(path))).toEqual([]);
    // What the program looks for beside its code.
    expect(copied).toEqual(expect.arrayContaining(['rules', 'mappings', 'replay', 'src', 'docs/examples']));
  });

  test('has the command vigie, by which operators reach alerts from within a container', () => {
    const dockerfile = read('Dockerfile');
    expect(dockerfile).toMatch(/^COPY bin \.\/bin$/m);
    expect(dockerfile).toMatch(/ln -s \/app\/bin\/vigie\.js \/usr\/local\/bin\/vigie/);
    expect(statSync(`${root}bin/vigie.js`).mode & 0o111).toBe(0o111);
    expect(read('docs/deployment.md')).toMatch(/^docker compose exec vigie vigie alerts list/m);
  });
});

test('Vigie is started with the same limit of young memory however it is started', () => {
  const limit = '--max-semi-space-size=16';
  const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
  const started = Object.values(scripts).filter((script) => script.includes('cli/main'));
  expect(started.length).toBeGreaterThan(1);
  for (const script of started) expect(script).toContain(`node ${limit} src/cli/main.ts`);
  expect(read('bin/vigie.js').split('\n')[0]).toBe(`#!/usr/bin/env -S node ${limit}`);
  expect(read('Dockerfile')).toContain(`ENTRYPOINT ["node", "${limit}", `);
  for (const file of ['bench/long-run', 'bench/memory', 'tests/support/cli']) {
    expect(read(`${file}.ts`)).toContain(limit);
  }
});

test('V8 knows the flags that vigie run sets: it warns of others at every start, and goes on', () => {
  const known = execFileSync(process.execPath, ['--v8-options'], { encoding: 'utf8' });
  for (const flag of HEAP_FLAGS) expect(known).toMatch(new RegExp(`^ *${flag.split('=')[0]!} `, 'm'));
});

describe('the example for Kubernetes', () => {
  const [, text] = /```yaml\n([^]*?)```/.exec(read('docs/deployment.md'))!;
  const [deployment, budget] = parseAllDocuments(text!).map((document) => {
    expect(document.errors).toEqual([]);
    return document.toJS() as unknown;
  });
  const probe = z.object({ httpGet: z.object({ path: z.string(), port: z.literal('http') }) });
  const { spec } = z
    .object({
      spec: z.object({
        selector: z.object({ matchLabels: z.object({ app: z.string() }) }),
        template: z.object({
          spec: z.object({
            // Else a Service with the name of the program gives its pods VIGIE_PORT and the like, which are no settings.
            enableServiceLinks: z.literal(false),
            securityContext: z.object({ runAsNonRoot: z.literal(true), runAsUser: z.int() }),
            volumes: z.array(z.object({ name: z.string() })),
            containers: z.tuple([
              z.object({
                env: z.array(z.object({ name: z.string(), value: z.string().optional() })),
                startupProbe: probe,
                livenessProbe: probe,
                readinessProbe: probe,
                resources: z.object({ limits: z.object({ memory: z.string() }) }),
                securityContext: z.object({
                  allowPrivilegeEscalation: z.literal(false),
                  readOnlyRootFilesystem: z.literal(true),
                  capabilities: z.object({ drop: z.tuple([z.literal('ALL')]) }),
                }),
                volumeMounts: z.array(z.object({ name: z.string(), mountPath: z.string() })),
              }),
            ]),
          }),
        }),
      }),
    })
    .parse(deployment);
  const pod = spec.template.spec;
  const [container] = pod.containers;

  test('names settings that exist, and no secret by its value', () => {
    const known = new Map<string, { readonly secret?: true }>(
      Object.values(SETTINGS).map((setting) => [setting.env, setting]),
    );
    for (const { name, value } of container.env) {
      const setting = known.get(name);
      expect(setting, name).toBeDefined();
      if (setting?.secret === true) expect(value, name).toBeUndefined();
    }
  });

  test('restarts by /healthz, never by /readyz, which fails when something else is away', () => {
    expect(container.livenessProbe.httpGet.path).toBe('/healthz');
    expect(container.startupProbe.httpGet.path).toBe('/healthz');
    expect(container.readinessProbe.httpGet.path).toBe('/readyz');
  });

  test('mounts every volume, and something over each path that a setting names', () => {
    const { volumeMounts } = container;
    expect(volumeMounts.map(({ name }) => name)).toEqual(pod.volumes.map(({ name }) => name));
    const paths = container.env.flatMap(({ value }) => (value?.startsWith('/') ? [value] : []));
    expect(paths.length).toBe(3);
    for (const path of paths) {
      expect(
        volumeMounts.some(({ mountPath }) => `${path}/`.startsWith(`${mountPath}/`)),
        path,
      ).toBe(true);
    }
  });

  test('runs as the user of the image, and its budget is about its pods', () => {
    expect(read('Dockerfile')).toContain(`USER ${pod.securityContext.runAsUser}:`);
    expect(budget).toMatchObject({ kind: 'PodDisruptionBudget', spec: { selector: spec.selector } });
  });
});
