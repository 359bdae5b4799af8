import { Component, h, type ComponentType, type VNode } from "preact";

/** A view that is drawn anew only when one of its properties is another value. */
export function memo<P extends object>(View: ComponentType<P>): ComponentType<P> {
  return class Memo extends Component<P> {
    override shouldComponentUpdate(next: P): boolean {
      const now = this.props as P;
      return (Object.keys({ ...now, ...next }) as (keyof P)[]).some((name) => {
        return name in now !== name in next || now[name] !== next[name];
      });
    }

    override render(): VNode {
      return h(View as ComponentType<unknown>, this.props as P);
    }
  };
}
