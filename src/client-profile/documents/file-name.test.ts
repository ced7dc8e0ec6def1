import fc from "fast-check";
import { expect, test } from "vitest";
import { CONTENT_TYPES } from "./content/header.ts";
import { shownName } from "./file-name.ts";

const pdf = (sent: string): string => shownName(sent, "application/pdf");

test("an honest name stays as it is", () => {
  for (const name of ["passport.pdf", "Reisepaß José.PDF", "договор 12-3 (копия).pdf", "日本語.pdf", "a.b.c.pdf"])
    expect(pdf(name)).toBe(name);
  expect(shownName("me.JPEG", "image/jpeg")).toBe("me.JPEG");
});

test("a name is never a path", () => {
  for (const sent of [
    "../../etc/x.pdf",
    "..\\..\\x.pdf",
    "/etc/x.pdf",
    "C:\\Users\\x.pdf",
    "\\\\host\\share\\x.pdf",
    "a/../x.pdf",
    "．．／x.pdf",
    "\u2024\u2024/x.pdf",
  ]) {
    expect(pdf(sent)).toBe("x.pdf");
  }
  expect(pdf("..∕..⁄x.pdf")).toBe("_.._x.pdf");
});

test("nothing invisible stands in a name, and nothing that turns its direction", () => {
  expect(pdf("a\0b\r\nc\t\u202Efdp.exe\u2066\u200B\u00AD\u2028.pdf")).toBe("abcfdp.exe.pdf");
  expect(pdf("x\r\nSet-Cookie: a=b\r\n\r\n.pdf")).toBe("xSet-Cookie_ a=b.pdf");
});

test("what file systems keep for themselves is replaced", () => {
  expect(pdf('a<b>c:d"e|f?g*h%2fi.pdf')).toBe("a_b_c_d_e_f_g_h_2fi.pdf");
  for (const name of ["con.pdf", "NUL.pdf", "Com1.pdf", "lpt9.x.pdf"]) expect(pdf(name)).toBe(`_${name}`);
  expect(pdf("console.pdf")).toBe("console.pdf");
});

test("the ending is that of the content", () => {
  expect(pdf("report.exe")).toBe("report.exe.pdf");
  expect(shownName("evil.pdf.html", "image/png")).toBe("evil.pdf.html.png");
  expect(pdf("report")).toBe("report.pdf");
  expect(pdf("report.pdf. . ")).toBe("report.pdf");
  expect(pdf(".pdf")).toBe("pdf.pdf");
  expect(pdf(".htaccess")).toBe("htaccess.pdf");
});

test("a name that leaves nothing is called document", () => {
  for (const sent of ["", ".", "..", " ", "/", "\u202E", "...", "a/"]) expect(pdf(sent)).toBe("document.pdf");
});

test("a long name is cut between characters and keeps its ending", () => {
  expect(pdf(`${"a".repeat(300)}.pdf`)).toBe(`${"a".repeat(251)}.pdf`);
  expect(pdf(`${"😀".repeat(300)}.pdf`)).toBe(`${"😀".repeat(62)}.pdf`);
});

test("whatever is sent, the name is one short visible file name with a right ending, and cleaning it again changes nothing", () => {
  const anyText = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.string({ unit: fc.constantFrom("../\\", "\u202E", ".", " ", "con", "é", "😀", "/", "x") }),
  );
  fc.assert(
    fc.property(anyText, fc.constantFrom(...CONTENT_TYPES), (sent, type) => {
      const name = shownName(sent, type);
      expect(name).not.toMatch(/[/\\<>:"|?*%\p{Cc}\p{Cf}\p{Cs}]/u);
      expect(name).toMatch(/^[^. ].*\.(?:pdf|jpe?g|jpe|jfif|png|hei[cf])$/i);
      expect(Buffer.byteLength(name)).toBeLessThanOrEqual(255);
      expect(shownName(name, type)).toBe(name);
    }),
  );
});
