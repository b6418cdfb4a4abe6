import { expect, it } from 'vitest';
import { matching } from './palette';

const commands = [{ text: 'Go to Gifts waiting' }, { text: 'New gift' }, { text: 'Process ready gifts' }];
const told = (typed: string) => matching(commands, typed).map((command) => command.text);

it('shows everything until something is typed', () => expect(told(' ')).toHaveLength(3));
it('takes beginnings of words in any order, whatever their case', () => {
  expect(told('GIF')).toHaveLength(3);
  expect(told('gift new')).toEqual(['New gift']);
  expect(told('aiting')).toEqual([]);
});
it('puts what begins with it first', () => expect(told('new')[0]).toBe('New gift'));
