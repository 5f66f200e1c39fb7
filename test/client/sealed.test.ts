import { describe, expect, test } from "bun:test";
import { createCipheriv, createDecipheriv, pbkdf2Sync, randomBytes } from "node:crypto";
import { createVault, sealingOf } from "../../src/client/sealed.ts";

const sides = { from: "user", to: "codex-1" };
const keyOf = (password: string, salt: Buffer) => pbkdf2Sync(password, salt, 600_000, 32, "sha256");
const message = (sealed: { body: string; meta: Record<string, unknown> }) => ({
  ...sides,
  ...sealed,
  encoding: "opaque" as const,
});

describe("encrypted messages", () => {
  test("another program opens what is sealed here, and seals what opens here, by the documented format", async () => {
    const vault = createVault("correct horse");
    const sealed = await vault.seal("Grüße\n\u202e", sides);
    const [bytes, salt] = [Buffer.from(sealed.body, "base64"), Buffer.from(sealed.meta.enc.salt, "base64")];
    expect([sealed.meta.enc.v, salt.length]).toEqual([1, 16]);
    const decipher = createDecipheriv("aes-256-gcm", keyOf("correct horse", salt), bytes.subarray(0, 12));
    decipher.setAAD(Buffer.from("user\ncodex-1")).setAuthTag(bytes.subarray(-16));
    expect(decipher.update(bytes.subarray(12, -16), undefined, "utf8") + decipher.final("utf8")).toBe("Grüße\n\u202e");

    const [otherSalt, nonce] = [randomBytes(16), randomBytes(12)];
    const cipher = createCipheriv("aes-256-gcm", keyOf("correct horse", otherSalt), nonce);
    cipher.setAAD(Buffer.from("user\ncodex-1"));
    const closed = Buffer.concat([nonce, cipher.update("back"), cipher.final(), cipher.getAuthTag()]);
    const meta = { enc: { v: 1, salt: otherSalt.toString("base64") } };
    expect(await vault.open(message({ body: closed.toString("base64"), meta }))).toBe("back");
  });

  test("a wrong password, other sides, and a body that was changed open nothing; one text is never sealed alike twice", async () => {
    const vault = createVault("correct horse");
    const [one, two] = [await vault.seal("x", sides), await vault.seal("x", sides)];
    expect(one.body).not.toBe(two.body);
    expect(await createVault("battery staple").open(message(one))).toBeUndefined();
    for (const wrong of [
      { ...message(one), from: "eve" },
      { ...message(one), to: "codex-2" },
      { ...message(one), body: `A${one.body.slice(1)}`.replace(/^AA/, "AB") },
      { ...message(one), body: one.body.slice(0, 8) },
      { ...message(one), body: "no base64!" },
    ])
      expect(await vault.open(wrong)).toBeUndefined();
    expect(await vault.open(message(one))).toBe("x");
    for (const enc of [null, "x", [], {}, { v: 2, salt: one.meta.enc.salt }, { v: 1, salt: "AAAA" }, { v: 1, salt: 1 }])
      expect(sealingOf({ encoding: "opaque", meta: { enc } })).toBeUndefined();
    expect(sealingOf({ encoding: "plain", meta: one.meta })).toBeUndefined();
  });
});
