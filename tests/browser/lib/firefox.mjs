/** Somebody in front of a real Firefox: the same page, driven over WebDriver BiDi. */

import puppeteer from "puppeteer-core";
import { Person } from "./people.mjs";
import { PATIENCE_MS } from "./server.mjs";

/** A made-up camera that needs no answer; real addresses for ICE, on this machine too. */
const PREFERENCES = {
  "media.navigator.streams.fake": true,
  "media.navigator.permission.disabled": true,
  "media.peerconnection.ice.loopback": true,
  "media.peerconnection.ice.obfuscate_host_addresses": false,
  "media.autoplay.default": 0,
};

export class FirefoxPerson extends Person {
  #browser;

  static async open(server, name) {
    const person = new FirefoxPerson();
    person.name = name;
    person.#browser = await puppeteer.launch({
      browser: "firefox",
      executablePath: process.env.FIREFOX ?? "/usr/bin/firefox-esr",
      headless: true,
      timeout: PATIENCE_MS,
      extraPrefsFirefox: PREFERENCES,
    });
    person.page = await person.#browser.newPage();
    person.page.setDefaultTimeout(PATIENCE_MS);
    person.page.on("console", (message) => {
      if (message.type() === "error" || message.type() === "warn") person.said.push(message.text());
    });
    person.page.on("pageerror", (error) => person.said.push(`uncaught: ${error.stack ?? error.message}`));
    await person.page.goto(server.url);
    return person;
  }

  async close() {
    await this.#browser.close();
  }

  /** What tests ask of an element of a page. */
  at(testId) {
    const selector = `[data-testid="${testId}"]`;
    return {
      waitFor: () => this.page.waitForSelector(selector, { visible: true }),
      // A button that takes no pointer yet (a ring that has just come) is waited for, as Playwright does by itself.
      click: () => this.page.locator(selector).filter((element) => getComputedStyle(element).pointerEvents !== "none").click(),
      fill: (text) => this.page.locator(selector).fill(text),
      isVisible: async () => (await (await this.page.$(selector))?.isVisible()) ?? false,
    };
  }

  async ring(other) {
    await this.page.locator(`[data-testid=card][data-user="${await other.user()}"] [data-testid=ring-button]`).click();
  }

  async reads(text) {
    await this.page.waitForFunction((text) => [...document.querySelectorAll("[data-testid=chat-line]")].some((line) => line.textContent.includes(text)), {}, text);
  }
}
