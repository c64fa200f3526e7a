import { describe, expect, it, vi } from "vitest";
import { Clock, TimerDriver } from "./clock";

describe("Clock", () => {
  it("keeps to whole frames inside the clip", () => {
    const clock = new Clock(100, 30);
    for (const [asked, got] of [
      [12.4, 12],
      [-5, 0],
      [1000, 99],
      [Number.NaN, 0],
    ] as const) {
      clock.seek(asked, "url");
      expect(clock.frame).toBe(got);
    }
  });

  it("tells who moved it, and only when it moved", () => {
    const clock = new Clock(100, 30);
    const heard = vi.fn();
    const end = clock.onFrame(heard);
    clock.seek(5, "plot");
    clock.seek(5, "video");
    expect(heard.mock.calls).toEqual([[5, "plot"]]);
    end();
    clock.seek(6, "plot");
    expect(heard).toHaveBeenCalledTimes(1);
  });

  it("stops to step", () => {
    const clock = new Clock(100, 30);
    clock.play();
    clock.step(10, "key");
    expect([clock.playing, clock.frame]).toEqual([false, 10]);
  });

  it("begins again when played from the end", () => {
    const clock = new Clock(10, 30);
    clock.seek(9, "url");
    clock.play();
    expect([clock.playing, clock.frame]).toEqual([true, 0]);
  });

  it("does not play a picture", () => {
    const clock = new Clock(1, 30);
    clock.play();
    expect(clock.playing).toBe(false);
  });

  it("goes through its speeds and stays at the ends", () => {
    const clock = new Clock(10, 30);
    clock.changeSpeed(1);
    clock.changeSpeed(1);
    expect(clock.speed).toBe(2);
    for (let k = 0; k < 9; k++) clock.changeSpeed(-1);
    expect(clock.speed).toBe(0.1);
  });

  it("ends by looping or by stopping", () => {
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
  it("counts frames by the wall, at the clock's speed", () => {
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

  it("counts on from where someone else put it", () => {
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

  it("stands still while the clock does, and loops", () => {
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
