import { describe, expect, it, vi } from "vitest";
import { Clock, TimerDriver } from "./clock";

describe("Clock", () => {
  it("rounds to whole frames inside the clip", () => {
    const clock = new Clock(100, 30);
    for (const [requested, expected] of [
      [12.4, 12],
      [-5, 0],
      [1000, 99],
      [Number.NaN, 0],
    ] as const) {
      clock.seek(requested, "url");
      expect(clock.frame).toBe(expected);
    }
  });

  it("calls listeners with the source, and only on changes", () => {
    const clock = new Clock(100, 30);
    const listener = vi.fn();
    const end = clock.onFrame(listener);
    clock.seek(5, "plot");
    clock.seek(5, "video");
    expect(listener.mock.calls).toEqual([[5, "plot"]]);
    end();
    clock.seek(6, "plot");
    expect(listener).toHaveBeenCalledTimes(1);
  });

  it("pauses to step", () => {
    const clock = new Clock(100, 30);
    clock.play();
    clock.step(10, "key");
    expect([clock.playing, clock.frame]).toEqual([false, 10]);
  });

  it("starts again when played from the end", () => {
    const clock = new Clock(10, 30);
    clock.seek(9, "url");
    clock.play();
    expect([clock.playing, clock.frame]).toEqual([true, 0]);
  });

  it("does not play a single image", () => {
    const clock = new Clock(1, 30);
    clock.play();
    expect(clock.playing).toBe(false);
  });

  it("steps through its speeds", () => {
    const clock = new Clock(10, 30);
    clock.changeSpeed(1);
    clock.changeSpeed(1);
    expect(clock.speed).toBe(2);
    for (let k = 0; k < 9; k++) clock.changeSpeed(-1);
    expect(clock.speed).toBe(0.1);
  });

  it("loops or stops at the end", () => {
    const clock = new Clock(10, 30);
    clock.play();
    clock.seek(9, "video");
    expect(clock.ended("video")).toBe(true);
    expect([clock.frame, clock.playing]).toEqual([0, true]);
    clock.setLoop(false);
    expect(clock.ended("video")).toBe(false);
    expect(clock.playing).toBe(false);
  });
});

describe("TimerDriver", () => {
  it("counts frames by wall time, at the clock's speed", () => {
    const clock = new Clock(100, 25);
    const driver = new TimerDriver(clock);
    clock.play();
    driver.tick(1000);
    driver.tick(1000 + 400);
    expect(clock.frame).toBe(10);
    clock.setSpeed(0.5);
    driver.tick(1400);
    driver.tick(1400 + 400);
    expect(clock.frame).toBe(15);
  });

  it("continues after another source's seek", () => {
    const clock = new Clock(100, 25);
    const driver = new TimerDriver(clock);
    clock.play();
    driver.tick(0);
    clock.seek(50, "timeline");
    driver.restart();
    driver.tick(40);
    driver.tick(80);
    expect(clock.frame).toBe(51);
  });

  it("does nothing while the clock is paused, and loops", () => {
    const clock = new Clock(10, 25);
    const driver = new TimerDriver(clock);
    driver.tick(0);
    driver.tick(5000);
    expect(clock.frame).toBe(0);
    clock.play();
    driver.tick(6000);
    driver.tick(6000 + 380);
    expect(clock.frame).toBe(9);
    driver.tick(6000 + 420);
    expect([clock.frame, clock.playing]).toEqual([0, true]);
  });
});
