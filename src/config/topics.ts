/** The configured topics, each for one purpose. */

import { VigieError } from '../errors.ts';
import type { Config } from './settings.ts';

export interface Topics {
  readonly input: string;
  readonly deadLetters: string;
  readonly signals: string | undefined;
}

/** Throws CONFIG_INVALID if one topic has two purposes: what Vigie writes would come back as input. */
export function topicsOf({ topic, dead_letter_topic, signals_topic }: Config): Topics {
  const topics = {
    input: topic,
    deadLetters: dead_letter_topic ?? `${topic}-dead-letters`,
    signals: signals_topic,
  };
  const given = [
    ['VIGIE_TOPIC', topics.input],
    ['VIGIE_DEAD_LETTER_TOPIC', topics.deadLetters],
    ['VIGIE_SIGNALS_TOPIC', topics.signals],
  ] as const;
  for (const [place, [setting, name]] of given.entries()) {
    const same = given.slice(0, place).find(([, other]) => other === name);
    if (same === undefined) continue;
    throw new VigieError('CONFIG_INVALID', `${setting} is ${name}, which is ${same[0]} already`, {
      remedy: `Give ${setting} a topic of its own.`,
    });
  }
  return topics;
}
