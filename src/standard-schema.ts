/**
 * The part of Standard Schema (standardschema.dev, version 1) that Threadmill uses: zod, valibot and arktype schemas
 * all fit. Types only, so that `threadmill/handler` needs no package for it.
 */

/** A schema of any library that implements Standard Schema. */
export interface StandardSchema<Input = unknown, Output = Input> {
  readonly '~standard': {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => SchemaResult<Output> | Promise<SchemaResult<Output>>;
    readonly types?: { readonly input: Input; readonly output: Output } | undefined;
  };
}

/** What `validate` answers: a value, or issues. */
export type SchemaResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly SchemaIssue[] };

/** One problem with one place of the value. */
export interface SchemaIssue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/** What a producer passes in. */
export type SchemaInput<Schema extends StandardSchema> = NonNullable<
  Schema['~standard']['types']
>['input'];

/** What a handler gets. */
export type SchemaOutput<Schema extends StandardSchema> = NonNullable<
  Schema['~standard']['types']
>['output'];

/** Issues as text, e.g. `path.0.width: expected number`. At most ten are listed. */
export function describeSchemaIssues(issues: readonly SchemaIssue[]): string[] {
  const lines = issues.slice(0, 10).map((issue) => {
    const path = (issue.path ?? [])
      .map((part) => String(typeof part === 'object' ? part.key : part))
      .join('.');
    return path === '' ? issue.message : `${path}: ${issue.message}`;
  });
  return issues.length > 10 ? [...lines, `and ${issues.length - 10} more`] : lines;
}
