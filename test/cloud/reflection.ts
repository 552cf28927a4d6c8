import type { Client } from '@grpc/grpc-js';
import { loadFileDescriptorSetFromBuffer, loadSync, type ServiceDefinition } from '@grpc/proto-loader';

/** What a server says of one of its methods. */
export interface ReflectedMethod {
  readonly path: string;
  readonly requestStream: boolean;
  readonly responseStream: boolean;
}

export interface ReflectionAnswer {
  readonly listServicesResponse?: { readonly service?: readonly { readonly name: string }[] };
  readonly fileDescriptorResponse?: { readonly fileDescriptorProto?: readonly Buffer[] };
}

/** One question to the reflection service, whose protos come with the package that serves them. */
export async function reflect(client: Client, request: object): Promise<ReflectionAnswer> {
  const proto = new URL(
    '../../node_modules/@grpc/reflection/build/proto/grpc/reflection/v1/reflection.proto',
    import.meta.url,
  );
  const { 'grpc.reflection.v1.ServerReflection': service } = loadSync(proto.pathname, { oneofs: true });
  const method = (service as ServiceDefinition)['ServerReflectionInfo'];
  if (method === undefined) throw new Error('the proto has no ServerReflectionInfo');
  const { path, requestSerialize, responseDeserialize } = method;
  return await new Promise((resolve, reject) => {
    const call = client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize);
    call.on('data', (answer) => resolve(answer as ReflectionAnswer));
    call.on('error', reject);
    call.write(request);
    call.end();
  });
}

/** Every method of every service the server names. The reflection service does not name itself. */
export async function reflectMethods(client: Client): Promise<ReflectedMethod[]> {
  const { listServicesResponse } = await reflect(client, { listServices: '' });
  const names = listServicesResponse?.service?.map(({ name }) => name) ?? [];
  const methods: ReflectedMethod[] = [];
  for (const name of names) {
    const { fileDescriptorResponse } = await reflect(client, { fileContainingSymbol: name });
    const files = fileDescriptorResponse?.fileDescriptorProto ?? [];
    const service = loadFileDescriptorSetFromBuffer(descriptorSet(files))[name];
    if (service === undefined) throw new Error(`the server does not describe ${name}`);
    for (const { path, requestStream, responseStream } of Object.values(service as ServiceDefinition)) {
      methods.push({ path, requestStream, responseStream });
    }
  }
  return methods;
}

/** A google.protobuf.FileDescriptorSet: field 1, once for each file. */
function descriptorSet(files: readonly Buffer[]): Buffer {
  return Buffer.concat(files.flatMap((file) => [Buffer.from([0x0a, ...varint(file.length)]), file]));
}

function varint(value: number): number[] {
  return value < 128 ? [value] : [(value & 0x7f) | 0x80, ...varint(value >>> 7)];
}
