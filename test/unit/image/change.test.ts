import { describe, expect, test } from "bun:test";
import { UsageError } from "../../../src/base/index.ts";
import { applyChanges } from "../../../src/image/index.ts";

describe("--change", () => {
  test("takes both forms of CMD and ENTRYPOINT, and = after the instruction", () => {
    expect(applyChanges(['CMD ["a","b c"]', "entrypoint echo $X"])).toEqual({
      Cmd: ["a", "b c"],
      Entrypoint: ["/bin/sh", "-c", "echo $X"],
    });
    expect(applyChanges(["CMD=/bin/bash"]).Cmd).toEqual(["/bin/sh", "-c", "/bin/bash"]);
  });

  test("takes ENV and LABEL with quotes, several at once, and in the old form", () => {
    const config = applyChanges([
      "ENV A=b C=\"d e\" F='g h' I=j\\ k",
      "ENV A new",
      "LABEL x=y z=",
      "LABEL old a form",
    ]);
    expect(config.Env).toEqual(["A=new", "C=d e", "F=g h", "I=j k"]);
    expect(config.Labels).toEqual({ x: "y", z: "", old: "a form" });
  });

  test("takes the others", () => {
    const config = applyChanges(
      [
        "EXPOSE 80 53/udp 90-92",
        'VOLUME ["/a b"]',
        "VOLUME /c /d",
        "WORKDIR /x",
        "WORKDIR y",
        "USER u:g",
        "STOPSIGNAL INT",
        "ONBUILD RUN a",
      ],
      { Volumes: { "/old": {} } },
    );
    expect(config).toEqual({
      ExposedPorts: { "80/tcp": {}, "53/udp": {}, "90-92/tcp": {} },
      Volumes: { "/old": {}, "/a b": {}, "/c": {}, "/d": {} },
      WorkingDir: "/x/y",
      User: "u:g",
      StopSignal: "INT",
      OnBuild: ["RUN a"],
    });
  });

  test.each(["", "CMD", "RUN x", "ENV", "ENV =x", "EXPOSE x", "toString x"])("refuses %j", (change) => {
    expect(() => applyChanges([change])).toThrow(UsageError);
  });
});
