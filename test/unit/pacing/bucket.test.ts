import { expect, test } from 'vitest';
import { Bucket, MAX_TAKE_BYTES } from '../../../src/pacing/bucket.ts';

const RATE = MAX_TAKE_BYTES;
const demand = { lane: 'demand', first: true, firstOfLane: true } as const;
const ofLane = { lane: 'background', first: false, firstOfLane: true } as const;
const later = { lane: 'background', first: false, firstOfLane: false } as const;

test('who may go now waits for nothing, who may not for what is owed', () => {
  const bucket = new Bucket(RATE, 0);
  expect([demand, ofLane, later].map((place) => bucket.waitMs(place, 0))).toEqual([0, 0, 1000]);
  bucket.take(MAX_TAKE_BYTES, demand, 0);
  expect([demand, ofLane, later].map((place) => bucket.waitMs(place, 0))).toEqual([1000, 0, 2000]);
  bucket.take(MAX_TAKE_BYTES, ofLane, 0);
  expect([demand, later].map((place) => bucket.waitMs(place, 500))).toEqual([1500, 2500]);
});

test('a lane has its share again when it has earned what it got', () => {
  const bucket = new Bucket(RATE, 0);
  bucket.take(MAX_TAKE_BYTES, ofLane, 0);
  for (let second = 0; second < 16; second++) {
    bucket.take(MAX_TAKE_BYTES, demand, second * 1000);
    expect(bucket.waitMs(ofLane, second * 1000)).toBeGreaterThan(0);
  }
  expect(bucket.waitMs(ofLane, 16_000)).toBe(0);
});

test('what passes the first of a lane takes nothing of its share', () => {
  const bucket = new Bucket(RATE, 0);
  bucket.take(MAX_TAKE_BYTES, later, 1000);
  bucket.take(MAX_TAKE_BYTES, demand, 1000);
  expect(bucket.waitMs(ofLane, 1000)).toBe(0);
});

test('nothing is left of any rate while it is 0', () => {
  const bucket = new Bucket(RATE, 0);
  bucket.setRate(0, 1000);
  expect(bucket.waitMs(demand, 5000)).toBe(Number.POSITIVE_INFINITY);
  bucket.setRate(RATE, 6000);
  expect([demand, later].map((place) => bucket.waitMs(place, 6000))).toEqual([0, 0]);
});
